"""`ports.Outbox` on SQLite."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dispatch.delivery import Delivery, DeliveryKind, NewDelivery
from dispatch.errors import NotFound
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction


async def put(transaction: Transaction, new: NewDelivery, now: datetime) -> bool:
    """Makes a delivery due inside a transaction. False when its key was known already."""
    row = await transaction.row(
        "put",
        key=new.key,
        kind=new.kind,
        channel=new.channel,
        thread=new.thread,
        person=new.person,
        body=new.body,
        now=now,
    )
    return row is not None


class SqliteOutbox:
    """What is due to people.

    While a delivery is being sent it is not due, and neither is what follows it in its task.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @in_transaction
    async def put(self, transaction: Transaction, new: NewDelivery, now: datetime) -> bool:
        """Makes a delivery due. False when its key was known already."""
        return await put(transaction, new, now)

    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """What can be sent now, by weight, then age: of each task only its oldest unsent delivery.

        What belongs to a follow-up waits until its parent's card has its place.
        """
        return [rows.delivery(row) for row in await self.database.rows("due", now=now, limit=limit)]

    async def next_due(self) -> datetime | None:
        """When the next unsent delivery may be tried, or None when there is none."""
        (row,) = await self.database.rows("next_due")
        return rows.maybe_moment(row["due_at"])

    @in_transaction
    async def wait(self, transaction: Transaction, until: Mapping[int, datetime]) -> None:
        """Lets these deliveries, by id, be due only then. Nothing else of them changes."""
        for delivery_id, due_at in until.items():
            await transaction.rows("wait", delivery_id=delivery_id, due_at=due_at)

    @in_transaction
    async def sending(self, transaction: Transaction, delivery_id: int) -> None:
        """Notes that a send begins, so that a crash leaves it in doubt."""
        await transaction.rows("sending", delivery_id=delivery_id)

    async def is_beginning(self, channel: str) -> bool:
        """Whether a task's card may be in that channel already, and no one knows yet as which message."""
        return bool(await self.database.rows("beginning", channel=channel))

    @in_transaction
    async def part_sent(self, transaction: Transaction, delivery_id: int, message: str) -> None:
        """Notes that one part of it arrived under that message id."""
        await transaction.rows("part_sent", delivery_id=delivery_id, message=message)

    @in_transaction
    async def sent(
        self, transaction: Transaction, delivery_id: int, revision: int, message: str | None, now: datetime
    ) -> None:
        """Closes the delivery at that revision.

        A task's first card also becomes its thread, and that of its follow-ups which have none yet.
        """
        row = await transaction.row(
            "sent", delivery_id=delivery_id, revision=revision, message=message, now=now
        )
        if row is not None and row["kind"] == DeliveryKind.CARD:
            await transaction.rows("start_thread", task_id=row["task_id"], message=row["message"])
            await transaction.rows("share_thread", task_id=row["task_id"])

    @in_transaction
    async def put_off(
        self,
        transaction: Transaction,
        delivery_id: int,
        due_at: datetime,
        error: str,
        in_doubt: bool,
        failed: bool = True,
    ) -> None:
        """Tries again at that time. `in_doubt` is False when the send is known not to have arrived.

        It counts as a try unless it has not `failed` but was only told to wait.
        """
        await transaction.rows(
            "put_off", delivery_id=delivery_id, due_at=due_at, error=error, in_doubt=in_doubt, failed=failed
        )

    @in_transaction
    async def refused(self, transaction: Transaction, delivery_id: int, error: str, now: datetime) -> None:
        """Gives the delivery up, with the reason kept."""
        await transaction.rows("refused", delivery_id=delivery_id, error=error, now=now)

    @in_transaction
    async def move_to(self, transaction: Transaction, task_id: int, channel: str, now: datetime) -> None:
        """Sends all that is still due for the task, and all to come, to another channel, its card first."""
        if await transaction.row("move_task", task_id=task_id, channel=channel, now=now) is None:
            raise NotFound(f"There is no task #{task_id}.")
        await transaction.rows("move_deliveries", task_id=task_id, now=now)

    @in_transaction
    async def stop_sending(self, transaction: Transaction) -> None:
        """Makes due again, in doubt, what a dead process was sending. For the start."""
        await transaction.rows("stop_sending")
