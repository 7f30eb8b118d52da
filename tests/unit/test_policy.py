from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch import gates
from dispatch.faults import RUNTIME_FAULTS, Fault, FaultKind
from dispatch.gates import SUSPICIONS
from dispatch.policy import LOSSES, STRIKES, Quota, Settlement, after, lost
from dispatch.states import MOVES, Move, State
from dispatch.task import Outcome, Source, Task, Verdict
from tests.fakes.values import NOON, make_task

CHANCE = st.floats(0, 1)
FAULT = st.builds(Fault, st.sampled_from(FaultKind), st.just(""), st.one_of(st.none(), st.floats(0, 1e5)))


def failed(fault: Fault) -> Outcome:
    return Outcome(Verdict.FAILED, fault=fault)


def settled(task: Task, outcome: Outcome, chance: float = 0.5) -> Settlement:
    """What the path makes of an outcome at open gates."""
    return after(task, outcome, gates.after({}, task, outcome, NOON, chance).closes, NOON, chance)


def test_an_answer_is_done() -> None:
    assert settled(make_task(), Outcome(Verdict.ANSWERED, "42")).state is State.DONE


def test_a_cancelled_attempt_cancels_the_task() -> None:
    assert settled(make_task(), Outcome(Verdict.CANCELLED)).state is State.CANCELLED


@given(FAULT, st.integers(1, 1000), st.integers(0, STRIKES - 1), st.integers(0, 3), CHANCE)
def test_every_settlement_is_an_allowed_move(
    fault: Fault, attempt: int, strikes: int, suspicions: int, chance: float
) -> None:
    task = make_task(attempt=attempt, strikes=strikes, suspicions=suspicions)
    settlement = settled(task, failed(fault), chance)
    reachable = {state for starts, ends in MOVES.values() if State.RUNNING in starts for state in ends}
    assert settlement.state in reachable
    assert (settlement.run_at is not None) == (settlement.state is State.HELD)
    assert (settlement.hold is not None) == (settlement.state is State.HELD)


@given(st.sampled_from(sorted(RUNTIME_FAULTS)), st.integers(1, 10**6), CHANCE)
def test_a_runtime_fault_never_burns_a_strike_and_loses_no_task(
    kind: FaultKind, attempt: int, chance: float
) -> None:
    settlement = settled(make_task(attempt=attempt, strikes=STRIKES - 1), failed(Fault(kind)), chance)
    assert settlement.state in (State.HELD, State.QUEUED)
    assert not settlement.strike
    if settlement.state is State.HELD:
        assert settlement.run_at is not None
        assert NOON <= settlement.run_at <= NOON + timedelta(hours=1)


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.AUTHENTICATION, FaultKind.BILLING])
def test_a_fault_that_closes_a_gate_leaves_the_task_in_its_place(kind: FaultKind) -> None:
    assert settled(make_task(), failed(Fault(kind, retry_after=90))) == Settlement(State.QUEUED)


@given(CHANCE)
def test_waits_grow_with_each_attempt(chance: float) -> None:
    waits = [
        settled(make_task(attempt=attempt), failed(Fault(FaultKind.NETWORK)), chance).run_at
        for attempt in (1, 3, 5)
    ]
    assert waits == sorted(wait for wait in waits if wait)
    assert waits[0] != waits[-1]


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.TIMEOUT,
        FaultKind.REFUSAL,
        FaultKind.INVALID_REQUEST,
        FaultKind.OVER_CAP,
        FaultKind.OVER_BUDGET,
    ],
)
def test_what_would_fail_again_is_not_tried_again(kind: FaultKind) -> None:
    assert settled(make_task(), failed(Fault(kind))) == Settlement(State.FAILED, strike=True)


@pytest.mark.parametrize("kind", [FaultKind.CONFIGURATION, FaultKind.FORBIDDEN])
def test_a_model_that_only_this_task_asked_for_is_its_own_fault(kind: FaultKind) -> None:
    own = make_task(asked_model="claude-opus-9")
    assert settled(own, failed(Fault(kind))).state is State.FAILED
    assert settled(make_task(asked_model="opus"), failed(Fault(kind))).state is State.QUEUED


def test_a_session_that_asked_waits_and_nothing_is_held_against_its_task() -> None:
    settlement = settled(make_task(strikes=STRIKES - 1), Outcome(Verdict.ASKED, conversation=b"x"))
    assert settlement == Settlement(State.WAITING)


def test_a_task_that_keeps_failing_is_set_aside() -> None:
    states = [
        settled(make_task(strikes=strikes, attempt=strikes + 1), failed(Fault(FaultKind.INCOMPLETE))).state
        for strikes in range(STRIKES)
    ]
    assert states == [State.HELD] * (STRIKES - 1) + [State.PARKED]


@pytest.mark.parametrize("kind", [FaultKind.INCOMPLETE, FaultKind.NETWORK, FaultKind.RATE_LIMITED])
def test_a_task_whose_failures_used_up_its_cap_is_set_aside(kind: FaultKind) -> None:
    task = make_task()
    spent = replace(task, cost_micro_usd=task.route.cap_micro_usd)
    assert settled(spent, failed(Fault(kind))).state is State.PARKED


@pytest.mark.parametrize("kind", [FaultKind.OVERLOADED, FaultKind.NETWORK, FaultKind.RUNTIME])
def test_a_task_that_fails_where_others_pass_is_set_aside(kind: FaultKind) -> None:
    assert settled(make_task(suspicions=SUSPICIONS), failed(Fault(kind))).state is State.PARKED
    assert settled(make_task(suspicions=SUSPICIONS - 1), failed(Fault(kind))).state is not State.PARKED


def test_one_whose_faults_of_the_runtime_count_waits_as_before_until_its_strikes_are_gone() -> None:
    fault = failed(Fault(FaultKind.NETWORK))
    first, last = (
        after(make_task(strikes=strikes), fault, False, NOON, 0.5, strikes=True)
        for strikes in (0, STRIKES - 1)
    )
    assert first == replace(after(make_task(), fault, False, NOON, 0.5), strike=True)
    assert last == Settlement(State.PARKED, strike=True)


def test_one_that_fails_alone_keeps_its_place_until_its_strikes_are_gone() -> None:
    fault = failed(Fault(FaultKind.RUNTIME))
    settlements = [
        after(make_task(strikes=strikes), fault, True, NOON, 0.5, strikes=True) for strikes in range(STRIKES)
    ]
    kept = [Settlement(State.QUEUED, strike=True)] * (STRIKES - 1)
    assert settlements == [*kept, Settlement(State.PARKED, strike=True)]


def test_a_task_whose_process_keeps_dying_is_set_aside() -> None:
    states = [lost(make_task(losses=losses), died=True) for losses in range(LOSSES)]
    assert states == [State.QUEUED] * (LOSSES - 1) + [State.PARKED]


def test_more_tasks_than_may_wait_are_refused_with_what_to_do() -> None:
    quota = Quota(per_person=2, per_source=5)
    assert quota.refusal(Source.SLASH, 1, 4) is None
    assert "2 is the most for one person" in str(quota.refusal(Source.SLASH, 2, 2))
    assert "(follow-up)" in str(quota.refusal(Source.FOLLOW_UP, 0, 5))


def test_done_is_terminal_in_the_table_of_moves() -> None:
    assert not [move for move, (starts, _) in MOVES.items() if State.DONE in starts]
    assert MOVES[Move.CLAIM] == (frozenset({State.QUEUED}), frozenset({State.RUNNING}))
