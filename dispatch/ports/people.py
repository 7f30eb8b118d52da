"""What is due to people, and what they are told."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from dispatch.delivery import Delivery, NewDelivery
from dispatch.editions import Edition
from dispatch.task import Task


class Outbox(Protocol):
    """What is due to people."""

    async def put(self, new: NewDelivery, now: datetime) -> bool:
        """Makes a delivery due. False when its key was known already."""
        ...

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """What can be sent now, by weight, then age: of each task only its oldest unsent delivery."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next unsent delivery may be tried, or None when there is none."""
        ...

    async def wait(self, until: Mapping[int, datetime]) -> None:
        """Lets these deliveries, by id, be due only then. Nothing else of them changes."""
        ...

    async def sending(self, delivery_id: int) -> None:
        """Notes that a send begins, so that a crash leaves it in doubt."""
        ...

    async def is_beginning(self, channel: str) -> bool:
        """Whether a task's card may be in that channel already, and no one knows yet as which message."""
        ...

    async def part_sent(self, delivery_id: int, message: str) -> None:
        """Notes that one part of it arrived under that message id."""
        ...

    async def sent(self, delivery_id: int, revision: int, message: str | None, now: datetime) -> None:
        """Closes the delivery at that revision. A task's first card also becomes its thread."""
        ...

    async def put_off(
        self, delivery_id: int, due_at: datetime, error: str, in_doubt: bool, failed: bool = True
    ) -> None:
        """Tries again at that time. `in_doubt` is False when the send is known not to have arrived.

        It counts as a try unless it has not `failed` but was only told to wait.
        """
        ...

    async def refused(self, delivery_id: int, error: str, now: datetime) -> None:
        """Gives the delivery up, with the reason kept."""
        ...

    async def move_to(self, task_id: int, channel: str, now: datetime) -> None:
        """Sends all that is still due for the task, and all to come, to another channel, its card first."""
        ...


class Digests(Protocol):
    """Which days have been told to which channel, of each edition."""

    async def last_day(self, edition: Edition, channel: str) -> date | None:
        """The newest day told, in the edition's zone."""
        ...

    async def tell(
        self, edition: Edition, channel: str, day: date, digest: NewDelivery | None, now: datetime
    ) -> bool:
        """Notes the day as told and makes its digest due, in one transaction. False when told before.

        Without a digest the day is only noted: the first day told is the one after it.
        """
        ...


class Quotes(Protocol):
    """The talk a request refers to."""

    async def of(self, task: Task) -> str:
        """The thread the request was made in, up to the request, as words; empty where there is none.

        Raises Unreachable.
        """
        ...


class Notifier(Protocol):
    """Told that something is due to people."""

    def wake(self) -> None:
        """Returns at once."""
        ...
