"""`ports.Additions` on SQLite: what is said to a running task, and that its session takes it up once."""

from collections.abc import Sequence
from datetime import datetime

from dispatch.states import Move, State
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.moves import change, held_by, remember
from dispatch.task import Claim, Task


class SqliteAdditions:
    """Additions wait, held, until a session takes them up or their task has ended."""

    database: Database

    async def take_up(self, claim: Claim, now: datetime) -> Sequence[Task]:
        """Gives the session of that claim what waits for it; all that sessions of its task have taken up.

        Oldest first. Where nothing waits nothing is written. Raises LeaseLost.
        """
        if await self.database.rows("additions_to", task_id=claim.task.id):
            await self._take_up(claim, now)
        return await self.additions(claim.task.id)

    async def additions(self, task_id: int) -> Sequence[Task]:
        """All that sessions of the task have taken up, oldest first."""
        return [rows.task(row) for row in await self.database.rows("taken_up", task_id=task_id)]

    @in_transaction
    async def _take_up(self, transaction: Transaction, claim: Claim, now: datetime) -> None:
        taker = await held_by(transaction, claim)
        if taker.cancel_asked:
            return
        for row in await transaction.rows("additions_to", task_id=taker.id):
            await _take(transaction, rows.task(row), taker, now)


async def _take(transaction: Transaction, addition: Task, taker: Task, now: datetime) -> None:
    """Ends an addition, which is no longer in its requester's day."""
    await change(transaction, addition, State.CANCELLED, now, detail=f"taken up by #{taker.id}")
    await transaction.rows("put_taken", task_id=addition.id, taken_by=taker.id)
    await transaction.rows("give_ration_back", task_id=addition.id)
    await remember(transaction, taker.id, Move.TAKE_UP, now, addition.requester, f"#{addition.id}")
