"""The line: who stands where in it, what tasks usually come to, and what people do to one of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dispatch.budget import Purse
from dispatch.forecast import InLine, Place, Sample, Seated, Steers
from dispatch.pauses import Paused
from dispatch.policy import Ration
from dispatch.task import Route, Task, Tier


class Pauses(Protocol):
    """Whether the whole queue is paused."""

    async def paused(self) -> Paused | None:
        """Who paused the queue, and when; None where it is not paused."""
        ...


class Line(Pauses, Protocol):
    """Where queued tasks stand, and what can be known of when they start."""

    async def place(self, task: Task) -> Place:
        """Where a queued task stands in the line of its tier."""
        ...

    async def line(self, tier: Tier, limit: int) -> Sequence[InLine]:
        """The first in the line of a tier, in order."""
        ...

    async def queued_in(self, tier: Tier) -> int:
        """How many tasks of the tier are queued."""
        ...

    async def seated(self) -> Sequence[Seated]:
        """The running tasks."""
        ...

    async def answered(
        self, tier: Tier, since: datetime, limit: int, likeness: str | None = None
    ) -> Sequence[Sample]:
        """The newest tasks of the tier that were answered since then, or those of them that are alike."""
        ...

    async def spent(self, since: datetime) -> int:
        """Micro-dollars that everybody has spent since then."""
        ...

    async def steers(self, task_id: int) -> Steers:
        """What people did to the task while it waited."""
        ...

    async def restate(self, purse: Purse, most: int, now: datetime) -> int:
        """Notes anew what keeps tasks waiting that no budget has room for, where that has changed.

        Their cards are due. At most so many, first in line first. How many.
        """
        ...

    async def raise_cards(self, task_ids: Collection[int], now: datetime) -> int:
        """Makes the cards of these queued tasks due again that show where they stand. How many."""
        ...


class Steering(Protocol):
    """What people do to one task, each once for each request's `key`. Raises NotFound, MoveRefused."""

    async def reprioritise(
        self,
        task: Task,
        priority: int,
        rank: int,
        route: Route,
        actor: str,
        now: datetime,
        ration: Ration | None = None,
        key: str = "",
    ) -> Task:
        """Gives a task that waits another priority, if it still is as given: with its route and rank there.

        One that a budget has no room for is queued, to be asked for anew. Requesters may do so within their
        ration of the day, operators whenever.
        """
        ...

    async def hold(self, task_id: int, actor: str, now: datetime, key: str = "") -> Task:
        """Holds a task that waits until a person releases it."""
        ...

    async def let_go(self, task_id: int, actor: str, now: datetime, key: str = "") -> Task:
        """Queues a task again, in its place, that a person holds."""
        ...

    async def follow(self, task_id: int, actor: str, now: datetime, key: str = "") -> Task:
        """Ends a task in favour of the one that it looks like, whose answer it then has as well."""
        ...


class Feedback(Protocol):
    """What people think of answers."""

    async def give(self, task_id: int, person: str, liked: bool, now: datetime) -> None:
        """Notes what a person thinks of a task's answer: the last word counts. Raises NotFound."""
        ...

    async def feedback(self, task_id: int) -> Mapping[str, bool]:
        """Who said what of a task's answer: whether they liked it, by person."""
        ...
