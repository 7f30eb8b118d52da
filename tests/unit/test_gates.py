from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatch.faults import Fault, FaultKind
from dispatch.gates import (
    ACCOUNT,
    IN_A_ROW,
    RUNTIME,
    SUSPICIONS,
    Gate,
    GateState,
    Passage,
    after,
    names,
    passage,
    probed,
    resumed,
    scope,
)
from dispatch.states import State
from dispatch.task import Outcome, Task, Tier, Verdict
from tests.fakes.values import NOON, make_task

CHANCE = st.floats(0, 1)
ANSWER = Outcome(Verdict.ANSWERED, "42")
MINUTE = timedelta(minutes=1)
FAULTS = st.builds(Fault, st.sampled_from(FaultKind), st.just(""), st.one_of(st.none(), st.floats(1, 90_000)))


def failed(kind: FaultKind, retry_after: float | None = None) -> Outcome:
    return Outcome(Verdict.FAILED, fault=Fault(kind, "said so", retry_after))


def closed(name: str, task: Task, outcome: Outcome, now: datetime = NOON, times: int = 1) -> Gate:
    """The gate after that outcome, so many times in a row."""
    gates: dict[str, Gate] = {}
    for _ in range(times):
        gates |= {gate.name: gate for gate in after(gates, task, outcome, now, 0.5).gates}
    return gates[name]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FaultKind.RATE_LIMITED, "sonnet"),
        (FaultKind.OVERLOADED, "sonnet"),
        (FaultKind.FORBIDDEN, "sonnet"),
        (FaultKind.CONFIGURATION, "sonnet"),
        (FaultKind.AUTHENTICATION, ACCOUNT),
        (FaultKind.BILLING, ACCOUNT),
        (FaultKind.SUSPENDED, ACCOUNT),
        (FaultKind.NETWORK, RUNTIME),
        (FaultKind.RUNTIME, RUNTIME),
        (FaultKind.TIMEOUT, None),
        (FaultKind.REFUSAL, None),
        (FaultKind.OVER_CAP, None),
        (FaultKind.OVER_BUDGET, None),
        (FaultKind.UNREACHABLE, None),
        (FaultKind.UNKNOWN, None),
    ],
)
def test_a_stop_reaches_no_further_than_its_evidence(kind: FaultKind, name: str | None) -> None:
    task = make_task(priority=5)
    assert scope(Fault(kind), task) == name
    shut = {gate.name for gate in after({}, task, failed(kind), NOON, 0.5).gates if gate.state != "open"}
    expected = set() if name in (None, RUNTIME) else {name}
    assert shut == expected, "the runtime's takes more than one"


@given(FAULTS, CHANCE, st.sampled_from(Tier))
def test_no_fault_of_one_tier_shuts_another(fault: Fault, chance: float, tier: Tier) -> None:
    task = make_task(route=replace(make_task().route, tier=tier))
    found = after({}, task, Outcome(Verdict.FAILED, fault=fault), NOON, chance)
    assert {gate.name for gate in found.gates} <= set(names(tier))


@given(st.floats(1, 90_000), CHANCE)
def test_nothing_passes_before_the_time_the_server_named(seconds: float, chance: float) -> None:
    task = make_task()
    (gate,) = after({}, task, failed(FaultKind.RATE_LIMITED, seconds), NOON, chance).gates
    assert passage([gate], NOON + timedelta(seconds=seconds) - timedelta(microseconds=1)) is Passage.SHUT
    assert passage([gate], NOON + timedelta(seconds=seconds * 1.1 + 1)) is Passage.PROBE


def test_a_second_word_of_the_same_server_never_opens_a_gate_earlier() -> None:
    task, other = make_task(1), make_task(2)
    first = closed("sonnet", task, failed(FaultKind.RATE_LIMITED, 600))
    (second,) = after({"sonnet": first}, other, failed(FaultKind.RATE_LIMITED, 5), NOON, 0.5).gates
    assert second.opens_at == first.opens_at
    assert second.faults == first.faults


def test_three_faults_of_the_runtime_in_a_row_shut_it_and_a_success_between_counts_anew() -> None:
    task = make_task()
    gates: dict[str, Gate] = {}
    for outcome in [failed(FaultKind.RUNTIME)] * 2 + [ANSWER] + [failed(FaultKind.NETWORK)] * 2:
        found = after(gates, task, outcome, NOON, 0.5)
        assert not found.closes
        gates |= {gate.name: gate for gate in found.gates}
    assert gates[RUNTIME].state is GateState.OPEN
    assert after(gates, task, failed(FaultKind.RUNTIME), NOON, 0.5).closes
    assert IN_A_ROW == 3


def test_the_probe_opens_the_gate_and_nobody_else_does() -> None:
    task, probe, early = make_task(1), make_task(2), make_task(3)
    gate = closed("sonnet", task, failed(FaultKind.OVERLOADED))
    assert after({"sonnet": gate}, early, ANSWER, NOON, 0.5).gates == ()
    probing = probed(gate, probe.id)
    assert passage([probing], NOON + timedelta(days=1)) is Passage.SHUT, "there is one probe"
    assert after({"sonnet": probing}, early, ANSWER, NOON, 0.5).gates == ()
    found = after({"sonnet": probing}, probe, ANSWER, NOON, 0.5)
    assert found.gates == (Gate("sonnet"),)
    assert found.suspects == (task.id,)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(Verdict.CANCELLED),
        failed(FaultKind.UNKNOWN),
        failed(FaultKind.OVER_CAP),
        failed(FaultKind.SCRIPT),
        failed(FaultKind.NETWORK),
        failed(FaultKind.AUTHENTICATION),
    ],
)
def test_a_probe_that_proves_nothing_leaves_its_gate_shut_and_due(outcome: Outcome) -> None:
    task = make_task()
    gate = probed(closed("sonnet", make_task(7), failed(FaultKind.RATE_LIMITED, 60)), task.id)
    later = NOON + 5 * MINUTE
    found = {gate.name: gate for gate in after({"sonnet": gate}, task, outcome, later, 0.5).gates}
    assert (found["sonnet"].state, found["sonnet"].probe) == (GateState.CLOSED, None)
    assert passage([found["sonnet"]], later) is Passage.PROBE


def test_a_probe_that_meets_the_same_fault_waits_longer_each_time() -> None:
    task, gate, waits = make_task(), Gate("sonnet"), []
    now = NOON
    for _ in range(14):
        (gate,) = after({"sonnet": gate}, task, failed(FaultKind.OVERLOADED), now, 1.0).gates
        assert gate.opens_at is not None
        waits.append(gate.opens_at - now)
        now = gate.opens_at
        gate = probed(gate, task.id)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)
    assert gate.closed_at == NOON, "it tells since when it has been shut"


def test_a_suspended_account_is_never_probed_until_an_operator_says_so() -> None:
    gate = closed(ACCOUNT, make_task(), failed(FaultKind.SUSPENDED, 5))
    assert passage([gate], NOON + timedelta(days=999)) is Passage.SHUT
    assert passage([resumed(gate, NOON)], NOON) is Passage.PROBE


def test_a_late_fault_does_not_let_a_suspended_account_be_probed() -> None:
    gate = closed(ACCOUNT, make_task(1), failed(FaultKind.SUSPENDED))
    (late,) = after({ACCOUNT: gate}, make_task(2), failed(FaultKind.BILLING), NOON, 0.5).gates
    assert late.opens_at is None


def test_what_fails_only_for_one_task_is_evidence_about_that_task() -> None:
    poison = make_task(suspicions=SUSPICIONS)
    assert scope(Fault(FaultKind.OVERLOADED), poison) is None
    assert scope(Fault(FaultKind.AUTHENTICATION), poison) == ACCOUNT
    own = make_task(asked_model="claude-sonnet-9")
    assert scope(Fault(FaultKind.CONFIGURATION), own) is None
    assert scope(Fault(FaultKind.RATE_LIMITED), own) == "sonnet"


def strikes(kind: FaultKind, faults: int, probe: int = 1, suspect: int = 1) -> bool:
    """Whether a task that fails so at the runtime's gate as its probe is held against it."""
    gate = Gate(RUNTIME, GateState.PROBING, kind, faults=faults, opens_at=NOON, probe=probe, suspect=suspect)
    return after({RUNTIME: gate}, make_task(1), failed(kind), NOON, 0.5).strikes


def test_one_that_is_its_own_probe_is_blamed_once_it_is_tried_as_seldom_as_can_be() -> None:
    counts = range(IN_A_ROW, 30)
    count = next(n for n in counts if strikes(FaultKind.RUNTIME, n))
    assert all(strikes(FaultKind.RUNTIME, more) for more in range(count, 30))
    gate = Gate(
        RUNTIME, GateState.PROBING, FaultKind.RUNTIME, faults=count, opens_at=NOON, probe=1, suspect=1
    )
    (shut,) = after({RUNTIME: gate}, make_task(1), failed(FaultKind.RUNTIME), NOON, 1.0).gates
    assert shut.opens_at == NOON + timedelta(hours=1)
    assert not any(strikes(FaultKind.NETWORK, more) for more in counts), "it is down for all"
    assert not strikes(FaultKind.RUNTIME, 20, suspect=2), "another one failed before it"
    assert not strikes(FaultKind.RUNTIME, 20, probe=2), "it began before the gate was closed"


@given(FAULTS, st.integers(0, 50), CHANCE)
def test_no_other_fault_than_the_runtimes_is_held_against_one_that_is_alone(
    fault: Fault, faults: int, chance: float
) -> None:
    shut = {
        name: Gate(name, GateState.PROBING, fault.kind, faults=faults, opens_at=NOON, probe=1, suspect=1)
        for name in names(Tier.SONNET)
    }
    found = after(shut, make_task(1), Outcome(Verdict.FAILED, fault=fault), NOON, chance)
    assert not found.strikes or scope(fault, make_task(1)) == RUNTIME


@pytest.mark.parametrize(
    ("attempt", "faults", "held"),
    [(IN_A_ROW, 0, False), (IN_A_ROW + 1, 1, False), (IN_A_ROW + 1, 0, True)],
    ids=["it has hardly been tried", "nobody has passed since", "others have passed since"],
)
def test_one_that_fails_where_others_pass_is_blamed(attempt: int, faults: int, held: bool) -> None:
    gates = {RUNTIME: Gate(RUNTIME, faults=faults)}
    found = after(gates, make_task(attempt=attempt), failed(FaultKind.NETWORK), NOON, 0.5)
    assert (found.closes, found.strikes) == (False, held)


class GateMachine(RuleBasedStateMachine):
    """Tasks pass, probe and fail in any order: one probe at a time, and what is proven works opens."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.gates: dict[str, Gate] = {}
        self.running: list[Task] = []
        self.last = 0

    @rule(tier=st.sampled_from(Tier))
    def claim(self, tier: Tier) -> None:
        way = [self.gates[name] for name in names(tier) if name in self.gates]
        let = passage(way, self.now)
        if let is Passage.SHUT:
            return
        self.last += 1
        route = replace(make_task().route, tier=tier)
        task = make_task(self.last, state=State.RUNNING, route=route)
        for gate in way:
            if gate.state is GateState.CLOSED:
                assert let is Passage.PROBE
                assert gate.opens_at is not None
                assert gate.opens_at <= self.now
                self.gates[gate.name] = probed(gate, task.id)
        self.running.append(task)

    @precondition(lambda self: self.running)
    @rule(pick=st.integers(0), fault=st.one_of(st.none(), FAULTS), chance=CHANCE)
    def end(self, pick: int, fault: Fault | None, chance: float) -> None:
        task = self.running.pop(pick % len(self.running))
        outcome = Outcome(Verdict.FAILED, fault=fault) if fault else ANSWER
        before = dict(self.gates)
        found = after(self.gates, task, outcome, self.now, chance)
        self.gates |= {gate.name: gate for gate in found.gates}
        if fault is None:
            for name in names(task.route.tier):
                gate, was = self.gates.get(name), before.get(name)
                if was is None or was.state is GateState.OPEN or was.probe == task.id:
                    assert gate is None or gate == Gate(name)
        if found.closes:
            shut = [self.gates[name] for name in names(task.route.tier) if name in self.gates]
            assert any(gate.state is not GateState.OPEN for gate in shut)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def resume(self) -> None:
        self.gates = {name: resumed(gate, self.now) for name, gate in self.gates.items()}

    @rule()
    def restart(self) -> None:
        self.running = []
        for name, gate in self.gates.items():
            if gate.state is GateState.PROBING:
                self.gates[name] = replace(gate, state=GateState.CLOSED, opens_at=self.now, probe=None)

    @invariant()
    def a_probing_gate_has_its_one_probe_running(self) -> None:
        for gate in self.gates.values():
            assert (gate.state is GateState.PROBING) == (gate.probe is not None)
            if gate.probe is not None:
                assert gate.probe in {task.id for task in self.running}

    @invariant()
    def no_gate_but_a_suspended_ones_stays_shut_for_ever(self) -> None:
        for gate in self.gates.values():
            if gate.state is GateState.CLOSED and gate.opens_at is None:
                assert gate.name == ACCOUNT


TestGateMachine = GateMachine.TestCase
