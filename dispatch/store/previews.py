"""`ports.Previews` on SQLite."""

from collections.abc import Sequence
from datetime import datetime

from dispatch.ports import Begun
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.rows import moment


class SqlitePreviews:
    """One row for each message that is a preview."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def begin(self, task_id: int, attempt: int, now: datetime) -> Begun | None:
        """Notes that one is about to begin in the task's thread.

        None where the task has no thread yet, the attempt does not run any more or has one.
        """
        if not await self._begin(task_id, attempt, now):
            return None
        found = await self.all()
        return next(one for one in found if (one.task_id, one.attempt) == (task_id, attempt))

    @in_transaction
    async def _begin(self, transaction: Transaction, task_id: int, attempt: int, now: datetime) -> bool:
        row = await transaction.row("begin_preview", task_id=task_id, attempt=attempt, now=now)
        return row is not None

    @in_transaction
    async def begun(self, transaction: Transaction, task_id: int, attempt: int, message: str) -> None:
        """Notes its id. Before this nothing is written into it."""
        await transaction.rows("preview_begun", task_id=task_id, attempt=attempt, message=message)

    async def all(self) -> Sequence[Begun]:
        """All there are, by task and attempt."""
        return [
            Begun(
                row["task_id"],
                row["attempt"],
                row["channel"],
                row["thread"],
                moment(row["begun_at"]),
                row["message"],
                grows=bool(row["grows"]),
                due=bool(row["due"]),
                taken=bool(row["taken"]),
            )
            for row in await self.database.rows("previews")
        ]

    @in_transaction
    async def forget(self, transaction: Transaction, task_id: int, attempt: int) -> None:
        """Forgets one: its message is an answer now, or gone."""
        await transaction.rows("forget_preview", task_id=task_id, attempt=attempt)
