"""What follows from an outcome: settle, try again, wait, set aside. Pure; time and chance are arguments."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dispatch.faults import FaultKind
from dispatch.gates import SUSPICIONS, Gate
from dispatch.states import State
from dispatch.task import HoldKind, Outcome, Source, Task, Verdict

STRIKES = 3
"""A task is parked when its own fault ended this many attempts."""

LOSSES = 3
"""A task is parked when the process died in this many of its attempts: it may be what kills it."""

URGENT = 2
"""The least urgent priority that a seat and a part of the budget are kept for."""

AGEING = timedelta(hours=1)
"""A queued task moves up one rank after each such time, never past `FRONT`."""

FRONT = URGENT + 1
"""The best rank that age alone can bring: p1 and p2 stay ahead."""

SAME = timedelta(minutes=10)
"""How long after its answer the same request counts as asked twice."""

DECIDE = timedelta(minutes=15)
"""How long what was asked twice waits for its requester's word; without one it runs."""

_TRIED_AGAIN = frozenset({FaultKind.INCOMPLETE, FaultKind.UNKNOWN, FaultKind.OUT_OF_MEMORY})
_WAITS = frozenset(
    {
        FaultKind.NETWORK,
        FaultKind.RUNTIME,
        FaultKind.UNREACHABLE,
        FaultKind.LOST,
        FaultKind.RATE_LIMITED,
        FaultKind.OVERLOADED,
    }
)
_SOON = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state a task goes to after an attempt.

    `run_at` is set when the state is held: the attempt is tried again then. `strike` says whether the
    attempt counts against the task. `gates` are the gates whose state the outcome changed, `suspects`
    the tasks that it makes suspect.
    """

    state: State
    run_at: datetime | None = None
    strike: bool = False
    gates: tuple[Gate, ...] = ()
    suspects: tuple[int, ...] = ()

    @property
    def hold(self) -> HoldKind | None:
        """Why the task is held, if it is."""
        return HoldKind.RETRY if self.state is State.HELD else None


@dataclass(frozen=True, slots=True)
class Quota:
    """How many tasks may wait: for one person, and from one source."""

    per_person: int
    per_source: int

    def refusal(self, source: Source, waiting: int, from_source: int) -> str | None:
        """Why one more is refused, given how many wait for the person and from the source, or None."""
        if waiting >= self.per_person:
            return (
                f"{waiting} tasks of yours are waiting, and {self.per_person} is the most for one person. "
                "Cancel one with `cancel 42`, or send this again when some have run."
            )
        if from_source >= self.per_source:
            return (
                f"{from_source} tasks from the same way in ({source}) are waiting, and {self.per_source} is "
                "the most. Send this again when some have run."
            )
        return None


class Rationed(StrEnum):
    """What one person may have only so many of a day: tasks of p1 or p2, and tasks on Opus."""

    URGENT = "urgent"
    OPUS = "opus"


@dataclass(frozen=True, slots=True)
class Ration:
    """How many tasks of each kind one person may have on the day that began at `since`. None: any number."""

    since: datetime
    urgent: int | None = None
    opus: int | None = None

    def refusal(self, kind: Rationed, having: int) -> str | None:
        """Why another one is too many, given how many they would have with it, or None."""
        most = self.urgent if kind is Rationed.URGENT else self.opus
        if most is None or having <= most:
            return None
        what, instead = _RATIONED[kind]
        return (
            f"you have asked for {having - 1} {what} today, and {most} is the most for one person a day. "
            f"Send it {instead}; an operator may raise it."
        )


_RATIONED = {
    Rationed.URGENT: ("of p1 or p2", "as `p3`"),
    Rationed.OPUS: ("on Opus", "with `model=sonnet`"),
}


@dataclass(frozen=True, slots=True)
class Seating:
    """The seats of a tier: how many, how many of them only for p1 and p2, how many for one requester."""

    seats: int
    kept: int = 0
    per_requester: int = 1_000_000


def after(
    task: Task, outcome: Outcome, closes: bool, now: datetime, chance: float, *, strikes: bool = False
) -> Settlement:
    """What becomes of a task whose attempt ended so.

    Where the fault `closes` a gate the task goes back to its place and waits there with the others.
    A fault of the runtime that closes none makes it wait by itself, longer after each attempt and
    spread by `chance` (0 to 1). A fault of its own burns one of its strikes, and so does one of the runtime
    that `strikes`: see `gates.Verdicts`. A script, which may have done
    half its work, is never tried again unless nothing of it had begun: a fault of the runtime alone.
    """
    if outcome.verdict is Verdict.ANSWERED:
        return Settlement(State.DONE)
    if outcome.verdict is Verdict.CANCELLED:
        return Settlement(State.CANCELLED)
    if outcome.verdict is Verdict.ASKED:
        return Settlement(State.WAITING)
    kind = outcome.fault.kind if outcome.fault else FaultKind.UNKNOWN
    begun = task.script is not None and kind is not FaultKind.RUNTIME
    if begun or not (closes or kind in _WAITS or kind in _TRIED_AGAIN):
        return Settlement(State.FAILED, strike=True)
    if task.cap_used:
        return Settlement(State.PARKED)
    strikes = strikes or not (closes or kind in _WAITS)
    if strikes and task.strikes + 1 >= STRIKES:
        return Settlement(State.PARKED, strike=True)
    if closes:
        return Settlement(State.QUEUED, strike=strikes)
    if kind in _WAITS:
        return replace(_waiting(task, now, chance), strike=strikes)
    return Settlement(State.HELD, now + _SOON * (1 + chance), strike=True)


def _waiting(task: Task, now: datetime, chance: float) -> Settlement:
    if task.suspicions >= SUSPICIONS:
        return Settlement(State.PARKED)
    longest = min(_PATIENCE * (1 << min(task.attempt - 1, 10)), _LONGEST_WAIT)
    return Settlement(State.HELD, now + longest * (0.5 + chance / 2))


def lost(task: Task, *, died: bool) -> State:
    """Where a task goes whose attempt was lost: back to its place, where it may run again.

    One whose process `died` is set aside when that keeps happening to it.
    """
    if not task.route.again:
        return State.FAILED
    return State.PARKED if died and task.losses + 1 >= LOSSES else State.QUEUED
