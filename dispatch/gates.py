"""Gates: while one is closed the tasks behind it wait untouched. Pure; time and chance are arguments.

Each tier has a gate, the account has one, and so has the runtime, which is all a session needs besides.
A gate closes on evidence and no further than the evidence goes: a rate limit closes its tier, a refused
key the account. It opens by time, with one task as its probe, and by that task's success for all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from dispatch.faults import Fault, FaultKind
from dispatch.task import Outcome, Task, Tier, Verdict

ACCOUNT = "account"
RUNTIME = "runtime"

IN_A_ROW = 3
"""So many faults of the runtime, with no success between, close its gate."""

SUSPICIONS = 2
"""After so many, a task that closes a gate again is itself at fault: others pass where it fails."""

LONGEST = timedelta(hours=1)
"""The longest a gate stays closed on its own account; a server may name a longer time."""

_SPREAD = 60.0
_TIERS_FAULTS = frozenset(
    {FaultKind.RATE_LIMITED, FaultKind.OVERLOADED, FaultKind.FORBIDDEN, FaultKind.CONFIGURATION}
)
_ACCOUNTS_FAULTS = frozenset({FaultKind.AUTHENTICATION, FaultKind.BILLING, FaultKind.SUSPENDED})
_RUNTIMES_FAULTS = frozenset({FaultKind.NETWORK, FaultKind.RUNTIME})
_MAY_BE_THE_TASKS = frozenset({FaultKind.OVERLOADED, *_RUNTIMES_FAULTS})
"""What a task can bring about by itself each time it runs; a rate limit or a refused key it cannot."""

_PROVES_NOTHING = frozenset(
    {
        *_RUNTIMES_FAULTS,
        FaultKind.OVERLOADED,
        FaultKind.OVER_CAP,
        FaultKind.OVER_BUDGET,
        FaultKind.OUT_OF_MEMORY,
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
        FaultKind.SCRIPT,
        FaultKind.UNKNOWN,
    }
)
_PATIENCE = {
    FaultKind.RATE_LIMITED: timedelta(seconds=30),
    FaultKind.OVERLOADED: timedelta(seconds=15),
    FaultKind.FORBIDDEN: timedelta(minutes=15),
    FaultKind.CONFIGURATION: timedelta(minutes=15),
    FaultKind.AUTHENTICATION: timedelta(minutes=5),
    FaultKind.BILLING: timedelta(minutes=15),
    FaultKind.NETWORK: timedelta(seconds=30),
    FaultKind.RUNTIME: timedelta(minutes=1),
}


class GateState(StrEnum):
    """`probing` while one task finds out whether it may open."""

    OPEN = "open"
    CLOSED = "closed"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate as stored.

    `faults` counts the faults it has seen in a row. While it is not open, `opens_at` is when a probe may
    go, None when only an operator may let one; `probe` is the task under way, `suspect` the task whose
    fault closed it last.
    """

    name: str
    state: GateState = GateState.OPEN
    fault: FaultKind | None = None
    detail: str = ""
    faults: int = 0
    closed_at: datetime | None = None
    opens_at: datetime | None = None
    probe: int | None = None
    suspect: int | None = None


class Passage(Enum):
    """Whether a task may be claimed: freely, as a probe, or not now."""

    FREE = "free"
    PROBE = "probe"
    SHUT = "shut"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What an outcome means for the gates: their new states, and the tasks it makes suspect.

    `closes` says that the outcome's fault closed a gate, so that its task need not wait by itself. `strikes`
    says that a fault of the runtime counts against its task all the same: either others have passed since it
    failed last, or there is no other to be the probe and the gate stays closed as long as it ever does.
    """

    gates: tuple[Gate, ...] = ()
    suspects: tuple[int, ...] = ()
    closes: bool = False
    strikes: bool = False


def names(tier: Tier) -> tuple[str, ...]:
    """The gates a task of the tier must pass. A script needs nothing that has a gate."""
    return () if tier is Tier.SCRIPT else (tier.value, ACCOUNT, RUNTIME)


def passage(gates: Iterable[Gate], now: datetime) -> Passage:
    """What the gates on a task's way let through now."""
    found = Passage.FREE
    for gate in gates:
        if gate.state is GateState.PROBING or (gate.state is GateState.CLOSED and not _due(gate, now)):
            return Passage.SHUT
        if gate.state is GateState.CLOSED:
            found = Passage.PROBE
    return found


def probed(gate: Gate, task_id: int) -> Gate:
    """The closed gate with that task sent as its probe."""
    return replace(gate, state=GateState.PROBING, probe=task_id)


def resumed(gate: Gate, now: datetime) -> Gate:
    """The gate after an operator asked it to try now. One that has its probe under way waits for that."""
    return replace(gate, opens_at=now) if gate.state is GateState.CLOSED else gate


def scope(fault: Fault, task: Task) -> str | None:
    """The gate that a fault is evidence about, None where it is about the task alone.

    A model that only this task asked for says nothing about the tier, and neither does a task whose
    faults never hold for others, nor a script.
    """
    if not names(task.route.tier):
        return None
    if task.suspicions >= SUSPICIONS and fault.kind in _MAY_BE_THE_TASKS:
        return None
    if fault.kind in _TIERS_FAULTS:
        own = task.asked_model is not None and task.asked_model not in list(Tier)
        lasting = fault.kind in (FaultKind.FORBIDDEN, FaultKind.CONFIGURATION)
        return None if own and lasting else task.route.tier.value
    if fault.kind in _ACCOUNTS_FAULTS:
        return ACCOUNT
    return RUNTIME if fault.kind in _RUNTIMES_FAULTS else None


def after(gates: Mapping[str, Gate], task: Task, outcome: Outcome, now: datetime, chance: float) -> Verdicts:
    """What an attempt's outcome does to the gates; `chance` (0 to 1) spreads their openings."""
    fault = outcome.fault if outcome.verdict is Verdict.FAILED else None
    hit = scope(fault, task) if fault else None
    changed: dict[str, Gate] = {}
    suspects: list[int] = []
    for name in names(task.route.tier):
        gate = gates.get(name, Gate(name))
        if name == hit and fault:
            changed[name] = _struck(gate, fault, task, now, chance)
        elif name in _proven(outcome, hit):
            changed[name] = _opened(gate, task)
            suspect = _suspect(gate)
            if gate.probe == task.id and suspect is not None and suspect != task.id:
                suspects.append(suspect)
        elif gate.state is GateState.PROBING and gate.probe == task.id:
            changed[name] = replace(gate, state=GateState.CLOSED, opens_at=now, probe=None)
    new = tuple(gate for gate in changed.values() if gate != gates.get(gate.name, Gate(gate.name)))
    closes = hit is not None and changed[hit].state is not GateState.OPEN
    strikes = (
        fault is not None and hit == RUNTIME and _strikes(gates.get(RUNTIME, Gate(RUNTIME)), task, fault)
    )
    return Verdicts(new, tuple(suspects), closes, strikes)


def _strikes(gate: Gate, task: Task, fault: Fault) -> bool:
    if gate.state is GateState.OPEN:
        return gate.faults == 0 and task.attempt > IN_A_ROW
    # A network that is down is down for all, however few there are.
    alone = gate.probe == gate.suspect == task.id and fault.kind is not FaultKind.NETWORK
    return alone and _patience(fault, gate.faults + 2 - IN_A_ROW) >= LONGEST


def _suspect(gate: Gate) -> int | None:
    return gate.suspect if gate.fault in _MAY_BE_THE_TASKS else None


def _due(gate: Gate, now: datetime) -> bool:
    return gate.opens_at is not None and gate.opens_at <= now


def _proven(outcome: Outcome, hit: str | None) -> frozenset[str]:
    """The gates whose dependency certainly worked in that attempt."""
    if outcome.verdict in (Verdict.CANCELLED, Verdict.LOST):
        return frozenset()
    kind = outcome.fault.kind if outcome.fault else None
    if kind in _PROVES_NOTHING:
        return frozenset()
    if hit == ACCOUNT:
        return frozenset({RUNTIME})
    if kind in _TIERS_FAULTS:
        return frozenset({ACCOUNT, RUNTIME})
    return frozenset({*Tier, ACCOUNT, RUNTIME})


def _opened(gate: Gate, task: Task) -> Gate:
    """Only its own probe opens a closed gate; a session begun before it closed proves nothing new."""
    if gate.state is GateState.OPEN or gate.probe == task.id:
        return Gate(gate.name)
    return gate


def _struck(gate: Gate, fault: Fault, task: Task, now: datetime, chance: float) -> Gate:
    late = gate.state is not GateState.OPEN and gate.probe != task.id
    faults = gate.faults if late else gate.faults + 1
    if gate.name == RUNTIME and gate.state is GateState.OPEN and faults < IN_A_ROW:
        return replace(gate, faults=faults, fault=fault.kind, detail=fault.detail)
    opens_at = _opens_at(fault, max(faults, 1) - (IN_A_ROW - 1 if gate.name == RUNTIME else 0), now, chance)
    if late:
        opens_at = _later(opens_at, gate.opens_at)
    return Gate(
        name=gate.name,
        state=gate.state if late else GateState.CLOSED,
        fault=fault.kind,
        detail=fault.detail,
        faults=faults,
        closed_at=gate.closed_at or now,
        opens_at=opens_at,
        probe=gate.probe if late else None,
        suspect=task.id,
    )


def _opens_at(fault: Fault, times: int, now: datetime, chance: float) -> datetime | None:
    if fault.kind is FaultKind.SUSPENDED:
        return None
    if fault.retry_after is not None:
        named = max(fault.retry_after, 1)
        return now + timedelta(seconds=named + min(named / 10, _SPREAD) * chance)
    return now + _patience(fault, times) * (0.5 + chance / 2)


def _patience(fault: Fault, times: int) -> timedelta:
    """How long a gate stays closed at most after so many faults that closed it."""
    return min(_PATIENCE[fault.kind] * (1 << min(max(times, 1) - 1, 10)), LONGEST)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
