"""What follows from an outcome: settle, try again, or wait. Pure; time and chance are arguments."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.faults import RUNTIME_FAULTS, FaultKind
from dispatch.task import Outcome, State, Task, Verdict

STRIKES = 3
"""A task fails for good when its own fault ended this many attempts."""

_RETRYABLE = frozenset({FaultKind.INCOMPLETE, FaultKind.UNKNOWN})
_PATIENCE = {
    FaultKind.RATE_LIMITED: timedelta(seconds=30),
    FaultKind.OVERLOADED: timedelta(seconds=15),
    FaultKind.NETWORK: timedelta(seconds=15),
    FaultKind.RUNTIME: timedelta(seconds=30),
    FaultKind.AUTHENTICATION: timedelta(minutes=5),
    FaultKind.FORBIDDEN: timedelta(minutes=15),
    FaultKind.BILLING: timedelta(minutes=15),
    FaultKind.SUSPENDED: timedelta(hours=1),
    FaultKind.CONFIGURATION: timedelta(minutes=15),
    FaultKind.LOST: timedelta(0),
}
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state a task goes to after an attempt.

    `run_at` is set when the state is held: the attempt is tried again then. `strike` says whether the
    attempt counts against the task.
    """

    state: State
    run_at: datetime | None = None
    strike: bool = False


def after(task: Task, outcome: Outcome, now: datetime, chance: float) -> Settlement:
    """What becomes of a task whose attempt ended so.

    A fault of what the task runs on only makes it wait: until the time the server named, else longer
    after each attempt, spread by `chance` (0 to 1). A fault of its own burns one of its strikes.
    """
    if outcome.verdict is Verdict.ANSWERED:
        return Settlement(State.DONE)
    if outcome.verdict is Verdict.CANCELLED:
        return Settlement(State.CANCELLED)
    kind = outcome.fault.kind if outcome.fault else FaultKind.UNKNOWN
    if kind in RUNTIME_FAULTS:
        named = outcome.fault.retry_after if outcome.fault else None
        return Settlement(State.HELD, now + _wait(kind, named, task.attempt, chance))
    if kind in _RETRYABLE and task.strikes + 1 < STRIKES:
        return Settlement(State.HELD, now + timedelta(seconds=5 + 5 * chance), strike=True)
    return Settlement(State.FAILED, strike=True)


def _wait(kind: FaultKind, named: float | None, attempt: int, chance: float) -> timedelta:
    if named is not None:
        return timedelta(seconds=max(named, 1) * (1 + chance / 10))
    longest = min(_PATIENCE[kind] * (1 << min(attempt - 1, 10)), _LONGEST_WAIT)
    return longest * (0.5 + chance / 2)
