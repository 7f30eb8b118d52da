"""`ports.Line` and `ports.Feedback` on SQLite."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from dispatch.forecast import InLine, Place, Sample, Seated, Steers
from dispatch.states import Move
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.moves import DISPATCHER, known
from dispatch.task import Task, Tier

_SECOND = 1_000_000


class SqliteStanding:
    """Where tasks stand, what they come to, and what people say of that."""

    database: Database

    async def place(self, task: Task) -> Place:
        """Where a queued task stands in the line of its tier."""
        (ahead,) = await self.database.rows("position", task_id=task.id, tier=task.route.tier)
        return Place(int(ahead["ahead"]), await self.queued_in(task.route.tier))

    async def line(self, tier: Tier, limit: int) -> Sequence[InLine]:
        """The first in the line of a tier, in order."""
        found = await self.database.rows("line_of", tier=tier, limit=limit)
        return [InLine(row["id"], row["priority"], row["requester"], bool(row["carded"])) for row in found]

    async def queued_in(self, tier: Tier) -> int:
        """How many tasks of the tier are queued."""
        (row,) = await self.database.rows("queued_in", tier=tier)
        return int(row["tasks"])

    async def seated(self) -> Sequence[Seated]:
        """The running tasks."""
        return [
            Seated(row["id"], Tier(row["tier"]), row["requester"], rows.moment(row["started_at"]))
            for row in await self.database.rows("seats_taken")
        ]

    async def answered(
        self, tier: Tier, since: datetime, limit: int, likeness: str | None = None
    ) -> Sequence[Sample]:
        """The newest tasks of the tier that were answered since then, or those of them that are alike."""
        if likeness is None:
            found = await self.database.rows("answered_of_tier", tier=tier, since=since, limit=limit)
        else:
            found = await self.database.rows(
                "answered_alike", tier=tier, likeness=likeness, since=since, limit=limit
            )
        return [Sample(row["took"] // _SECOND, row["cost_micro_usd"]) for row in found]

    async def spent(self, since: datetime) -> int:
        """Micro-dollars that everybody has spent since then."""
        (row,) = await self.database.rows("spent_by_all", since=since)
        return int(row["micro_usd"])

    async def steers(self, task_id: int) -> Steers:
        """What people did to the task while it waited."""
        found = await self.database.rows("steers", task_id=task_id, dispatcher=DISPATCHER)
        moved = [row for row in found if row["move"] == Move.REPRIORITISE and row["detail"]]
        held = [row for row in found if row["move"] == Move.HOLD]
        return Steers(
            first_priority=int(moved[0]["detail"]) if moved else None,
            mover=moved[-1]["actor"] if moved else "",
            holder=held[-1]["actor"] if held else "",
        )

    @in_transaction
    async def raise_cards(self, transaction: Transaction, task_ids: Collection[int], now: datetime) -> int:
        """Makes the cards of these queued tasks due again that show where they stand. How many."""
        raised = [
            await transaction.rows("raise_standing_card", task_id=task_id, now=now) for task_id in task_ids
        ]
        return sum(map(len, raised))

    @in_transaction
    async def give(
        self, transaction: Transaction, task_id: int, person: str, liked: bool, now: datetime
    ) -> None:
        """Notes what a person thinks of a task's answer: the last word counts. Raises NotFound."""
        await known(transaction, task_id)
        await transaction.rows("give_feedback", task_id=task_id, person=person, liked=liked, now=now)

    async def feedback(self, task_id: int) -> Mapping[str, bool]:
        """Who said what of a task's answer: whether they liked it, by person."""
        found = await self.database.rows("feedback_on", task_id=task_id)
        return {row["person"]: bool(row["liked"]) for row in found}
