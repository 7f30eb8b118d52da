from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.faults import RUNTIME_FAULTS, Fault, FaultKind
from dispatch.policy import STRIKES, after
from dispatch.task import MOVES, Move, Outcome, State, Verdict
from tests.fakes.values import NOON, make_task

CHANCE = st.floats(0, 1)
FAULT = st.builds(Fault, st.sampled_from(FaultKind), st.just(""), st.one_of(st.none(), st.floats(0, 1e5)))


def failed(fault: Fault) -> Outcome:
    return Outcome(Verdict.FAILED, fault=fault)


def test_an_answer_is_done() -> None:
    assert after(make_task(), Outcome(Verdict.ANSWERED, "42"), NOON, 0.5).state is State.DONE


def test_a_cancelled_attempt_cancels_the_task() -> None:
    assert after(make_task(), Outcome(Verdict.CANCELLED), NOON, 0.5).state is State.CANCELLED


@given(FAULT, st.integers(1, 1000), st.integers(0, STRIKES - 1), CHANCE)
def test_every_settlement_is_an_allowed_move(fault: Fault, attempt: int, strikes: int, chance: float) -> None:
    settlement = after(make_task(attempt=attempt, strikes=strikes), failed(fault), NOON, chance)
    reachable = {state for starts, ends in MOVES.values() if State.RUNNING in starts for state in ends}
    assert settlement.state in reachable
    assert (settlement.run_at is not None) == (settlement.state is State.HELD)


@given(st.sampled_from(sorted(RUNTIME_FAULTS)), st.integers(1, 10**6), CHANCE)
def test_a_runtime_fault_never_burns_a_strike_and_is_tried_again(
    kind: FaultKind, attempt: int, chance: float
) -> None:
    settlement = after(make_task(attempt=attempt, strikes=STRIKES - 1), failed(Fault(kind)), NOON, chance)
    assert settlement.state is State.HELD
    assert not settlement.strike
    assert settlement.run_at is not None
    assert NOON <= settlement.run_at <= NOON + timedelta(hours=1)


@given(st.floats(1, 10**5), CHANCE)
def test_nothing_is_tried_before_the_time_the_server_named(seconds: float, chance: float) -> None:
    fault = Fault(FaultKind.RATE_LIMITED, retry_after=seconds)
    settlement = after(make_task(), failed(fault), NOON, chance)
    assert settlement.run_at is not None
    assert settlement.run_at >= NOON + timedelta(seconds=seconds)


@given(CHANCE)
def test_waits_grow_with_each_attempt(chance: float) -> None:
    waits = [
        after(make_task(attempt=attempt), failed(Fault(FaultKind.OVERLOADED)), NOON, chance).run_at
        for attempt in (1, 3, 5)
    ]
    assert waits == sorted(wait for wait in waits if wait)
    assert waits[0] != waits[-1]


@pytest.mark.parametrize(
    "kind", [FaultKind.TIMEOUT, FaultKind.REFUSAL, FaultKind.INVALID_REQUEST, FaultKind.OVER_CAP]
)
def test_what_would_fail_again_is_not_tried_again(kind: FaultKind) -> None:
    settlement = after(make_task(), failed(Fault(kind)), NOON, 0.5)
    assert (settlement.state, settlement.strike) == (State.FAILED, True)


def test_strikes_run_out() -> None:
    task = make_task()
    states = []
    for strikes in range(STRIKES):
        settlement = after(
            make_task(strikes=strikes, attempt=strikes + 1), failed(Fault(FaultKind.INCOMPLETE)), NOON, 0.5
        )
        states.append(settlement.state)
    assert states == [State.HELD] * (STRIKES - 1) + [State.FAILED]
    assert task.strikes == 0


def test_done_is_terminal_in_the_table_of_moves() -> None:
    assert not [move for move, (starts, _) in MOVES.items() if State.DONE in starts]
    assert MOVES[Move.CLAIM] == (frozenset({State.QUEUED}), frozenset({State.RUNNING}))
