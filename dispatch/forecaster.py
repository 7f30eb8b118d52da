"""What can be said of tasks that wait: read from the line, worked out by `forecast`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.forecast import (
    LEAST,
    LOOKED_BACK,
    NEWEST,
    InLine,
    Outlook,
    Place,
    Sample,
    Seated,
    Seats,
    Steers,
    Today,
    likeness,
    opens_in,
    remaining,
    starts_in,
    usable,
    usual,
)
from dispatch.gates import Gate, names
from dispatch.pauses import Paused
from dispatch.policy import URGENT
from dispatch.ports import Gates, Line
from dispatch.states import State
from dispatch.task import Task, Tier
from dispatch.terms import Terms

KEPT = timedelta(seconds=20)
"""How long what tasks usually come to is kept before it is read anew."""

_MOST_KEPT = 500
_LISTED = 20_000
_FEW = 3
_WAITS = frozenset({State.QUEUED, State.HELD})


@dataclass(frozen=True, slots=True)
class Spot:
    """A queued task in its place, and when it starts; `carded` says that its card is seen by people."""

    task_id: int
    ahead: int
    starts_in: timedelta | None
    carded: bool


@dataclass(frozen=True, slots=True)
class _Moment:
    """What holds for all tasks now."""

    now: datetime
    seated: Sequence[Seated]
    gates: Mapping[str, Gate]
    paused: Paused | None


class Forecaster:
    """Says what tasks usually come to and when queued ones start. Raises StoreError."""

    def __init__(self, line: Line, gates: Gates, terms: Terms) -> None:
        self._line = line
        self._gates = gates
        self._terms = terms
        self._kept: dict[tuple[Tier, str | None], tuple[datetime, Sequence[Sample]]] = {}

    async def of(self, task: Task, now: datetime) -> Outlook:
        """What can be said of one task. Of one that does not wait, only what such tasks come to."""
        if task.state not in _WAITS:
            return Outlook(usual(await self._like(task, now)))
        place = await self._line.place(task) if task.state is State.QUEUED else None
        return await self._outlook(task, place, await self._moment(now), await self._line.steers(task.id))

    async def of_all(self, tasks: Iterable[Task], now: datetime) -> Mapping[int, Outlook]:
        """The same of many tasks by number, without what people did to them."""
        asked, moment = list(tasks), await self._moment(now)
        places = await self._places([task for task in asked if task.state is State.QUEUED])
        return {
            task.id: await self._outlook(task, places.get(task.id), moment, Steers())
            if task.state in _WAITS
            else Outlook(usual(await self._like(task, now)))
            for task in asked
        }

    async def front(self, tier: Tier, limit: int, now: datetime) -> Sequence[Spot]:
        """The first in the line of a tier, in order."""
        line = await self._line.line(tier, limit)
        if not line:
            return []
        moment, samples = await self._moment(now), await self._answered(tier, None, now)
        return [
            Spot(one.task_id, ahead, self._starts(tier, one, ahead, moment, samples), one.carded)
            for ahead, one in enumerate(line)
        ]

    async def _places(self, tasks: Sequence[Task]) -> Mapping[int, Place]:
        """Where queued tasks stand: of a few each is looked up, of many their lines are read once."""
        if len(tasks) <= _FEW:
            return {task.id: await self._line.place(task) for task in tasks}
        found = dict[int, Place]()
        for tier in {task.route.tier for task in tasks}:
            line, queued = await self._line.line(tier, _LISTED), await self._line.queued_in(tier)
            found |= {one.task_id: Place(ahead, queued) for ahead, one in enumerate(line)}
        return found

    async def _moment(self, now: datetime) -> _Moment:
        return _Moment(now, await self._line.seated(), await self._gates.all(), await self._line.paused())

    async def _outlook(self, task: Task, place: Place | None, moment: _Moment, steers: Steers) -> Outlook:
        like = usual(await self._like(task, moment.now))
        if place is None:
            return Outlook(like, today=await self.today(moment.now), steers=steers)
        tier, seating = task.route.tier, self._terms.seating(task.route.tier)
        taken = sum(one.tier is tier for one in moment.seated)
        one = InLine(task.id, task.priority, task.requester, carded=True)
        samples = await self._answered(tier, None, moment.now)
        return Outlook(
            like,
            place,
            Seats(usable(seating, urgent=task.priority <= URGENT), taken, seating.seats),
            self._starts(tier, one, place.ahead, moment, samples),
            await self.today(moment.now),
            steers,
            moment.paused,
        )

    def _starts(
        self, tier: Tier, one: InLine, ahead: int, moment: _Moment, samples: Sequence[Sample]
    ) -> timedelta | None:
        """When a queued task starts. Who has as many running as one may waits for the first to end."""
        if moment.paused is not None:
            return None
        gates = [moment.gates[name] for name in names(tier) if name in moment.gates]
        opening = opens_in(gates, moment.now)
        if opening is None:
            return None
        seating = self._terms.seating(tier)
        own = [_ran(each, moment.now) for each in moment.seated if each.requester == one.requester]
        if len(own) >= seating.per_requester:
            if len(samples) < LEAST:
                return None
            lasted = sorted(max(sample.seconds, 1) for sample in samples)
            opening = max(opening, min(remaining(ran, lasted) for ran in own))
        elapsed = [_ran(each, moment.now) for each in moment.seated if each.tier is tier]
        seats = usable(seating, urgent=one.priority <= URGENT)
        seconds = starts_in(ahead, seats, elapsed, samples, opening)
        return None if seconds is None else timedelta(seconds=seconds)

    async def _like(self, task: Task, now: datetime) -> Sequence[Sample]:
        """What the same words came to where they were asked often enough, else what their tier does."""
        if not task.forgotten:
            alike = await self._answered(task.route.tier, likeness(task.words, task.script), now)
            if len(alike) >= LEAST:
                return alike
        return await self._answered(task.route.tier, None, now)

    async def _answered(self, tier: Tier, alike: str | None, now: datetime) -> Sequence[Sample]:
        kept = self._kept.get((tier, alike))
        if kept is not None and now - kept[0] < KEPT:
            return kept[1]
        found = await self._line.answered(tier, now - LOOKED_BACK, NEWEST, alike)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[tier, alike] = (now, found)
        return found

    async def today(self, now: datetime) -> Today | None:
        """What is left of the day's money for everybody, where that has a limit."""
        limit = self._terms.budgets.everybody
        if limit is None:
            return None
        return Today(limit, max(limit - await self._line.spent(self._terms.purse(now).since), 0))


def _ran(one: Seated, now: datetime) -> int:
    return max(int((now - one.started_at).total_seconds()), 0)
