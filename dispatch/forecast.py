"""What a task usually costs and takes, and when one in line starts. Pure; estimates, never promises."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.gates import Gate, GateState
from dispatch.pauses import Paused
from dispatch.policy import Seating
from dispatch.task import Tier

LEAST = 5
"""So many tasks must have been answered before anything is said of the next one."""

NEWEST = 200
"""How many of the newest answered tasks are looked at."""

LOOKED_BACK = timedelta(days=30)
"""How far back they may lie."""


@dataclass(frozen=True, slots=True)
class Sample:
    """An answered task: the seconds that its attempts ran, and its whole cost, None where that is unknown."""

    seconds: int
    cost_micro_usd: int | None


@dataclass(frozen=True, slots=True)
class Range:
    """Where the middle half lies, both ends included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What tasks came to: their cost and their seconds, None where too few are known to say.

    `samples` counts the answered tasks, `priced` those of them whose cost is known.
    """

    samples: int
    priced: int
    micro_usd: Range | None
    seconds: Range | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queued task is: how many of its tier are before it, and how many are queued in all."""

    ahead: int
    queued: int


@dataclass(frozen=True, slots=True)
class Seats:
    """The seats of a tier that a task may take, how many of all are taken, and how many there are."""

    usable: int
    taken: int
    seats: int

    @property
    def full(self) -> bool:
        """Whether the task has to wait for one."""
        return self.taken >= self.usable


@dataclass(frozen=True, slots=True)
class Seated:
    """A running task, and when its attempt began."""

    task_id: int
    tier: Tier
    requester: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class InLine:
    """A queued task in its place; `carded` says that people see its card."""

    task_id: int
    priority: int
    requester: str
    carded: bool


@dataclass(frozen=True, slots=True)
class Steers:
    """What people did to a task: its first priority where they changed that, and who did so last.

    `holder` is who held it last. Empty where nobody did.
    """

    first_priority: int | None = None
    mover: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """The day's money for everybody: its limit and what of it is not spent, in micro-dollars."""

    limit_micro_usd: int
    left_micro_usd: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of a task that waits. `place` and `seats` are None where it is not queued.

    `starts_in` is None where nobody can say, `today` where the day has no limit. `paused` says that the whole
    queue is.
    """

    usual: Usual
    place: Place | None = None
    seats: Seats | None = None
    starts_in: timedelta | None = None
    today: Today | None = None
    steers: Steers = Steers()
    paused: Paused | None = None


def likeness(words: str, script: str | None) -> str:
    """The same for requests that say the same, but for case, spaces and the mark at the end."""
    said = " ".join(words.casefold().split()).rstrip(".!?… ")
    return hashlib.sha256(f"{script or ''}\0{said}".encode(errors="replace")).hexdigest()[:32]


def usual(samples: Sequence[Sample]) -> Usual:
    """The middle half of what those tasks cost and took. What has no price counts for the time alone."""
    costs = [sample.cost_micro_usd for sample in samples if sample.cost_micro_usd is not None]
    return Usual(
        len(samples), len(costs), _middle(costs), _middle([max(sample.seconds, 0) for sample in samples])
    )


def _middle(numbers: Sequence[int]) -> Range | None:
    if len(numbers) < LEAST:
        return None
    ordered = sorted(numbers)
    last = len(ordered) - 1
    return Range(ordered[last // 4], ordered[last - last // 4])


def usable(seating: Seating, *, urgent: bool) -> int:
    """The seats that a task may take: those kept for p1 and p2 only where it is one."""
    return seating.seats - (0 if urgent else seating.kept)


def starts_in(
    ahead: int, seats: int, elapsed: Sequence[int], samples: Sequence[Sample], opening: int = 0
) -> int | None:
    """The seconds until a task starts that has so many before it and may take so many seats.

    `elapsed` are the seconds that each running task of the tier has run, `opening` those until its gate
    lets tasks through. Who is before it is taken to last as long as half of the `samples` do; one that
    runs already, as long as half of those did that ran longer. None where too few are known to say.
    """
    if seats <= 0:
        return None
    free = max(seats - len(elapsed), 0)
    if ahead < free:
        return max(opening, 0)
    lasted = sorted(max(sample.seconds, 1) for sample in samples)
    if len(lasted) < LEAST:
        return None
    ends = sorted(remaining(ran, lasted) for ran in elapsed)
    # Where more run than it has seats, as many must end first before one of them is its.
    openings = [0] * free + ends[max(len(ends) - seats, 0) :]
    return _turn([max(at, opening, 0) for at in openings], _half(lasted), ahead)


def remaining(ran: int, lasted: Sequence[int]) -> int:
    """The seconds that one goes on which has run so long, by the sorted seconds that others lasted."""
    longer = [seconds - ran for seconds in lasted if seconds > ran]
    return _half(longer) if longer else max(_half(lasted) // 4, 1)


def opens_in(gates: Iterable[Gate], now: datetime) -> int | None:
    """The seconds until these gates may let a task through; None where nobody knows."""
    longest = 0
    for gate in gates:
        if gate.state is GateState.OPEN:
            continue
        if gate.state is GateState.PROBING or gate.opens_at is None:
            return None
        longest = max(longest, int((gate.opens_at - now).total_seconds()))
    return longest


def _half(ordered: Sequence[int]) -> int:
    return ordered[len(ordered) // 2]


def _turn(openings: Sequence[int], lasts: int, ahead: int) -> int:
    """When the seat comes after so many others, each of which lasts as long: seats are dealt one by one."""
    low, high = min(openings), max(openings) + lasts * (ahead // len(openings) + 1)
    while low < high:
        middle = (low + high) // 2
        if sum((middle - at) // lasts + 1 for at in openings if at <= middle) > ahead:
            high = middle
        else:
            low = middle + 1
    return low
