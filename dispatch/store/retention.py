"""What was said is forgotten in time; what it cost is kept."""

import json
import logging
from datetime import datetime, timedelta

from dispatch.store.database import Database, Transaction, in_transaction

BATCH = 200
"""How many tasks one transaction forgets, so that no other write waits long."""

ENTRIES = 500
"""How many entries of transcripts one transaction forgets, for the same reason."""

_ALL = -1

_log = logging.getLogger(__name__)


class SqliteRetention:
    """Forgets words, questions, answers, progress, transcripts, and deliveries that are over.

    A task of which something is still due to people waits until that is sent, and a follow-up until its
    parent is forgotten: until then an attempt of the parent could ask for it again.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    async def forget(self, keep: timedelta, now: datetime) -> int:
        """Forgets what is older than `keep`, in batches. How many tasks that were. Raises StoreError."""
        before, forgotten = now - keep, 0
        while batch := await self._forget_next(before, now):
            forgotten += batch
        while await self._forget_told(before):
            pass
        if forgotten:
            _log.info("%d tasks ended more than %d days ago: their words are forgotten", forgotten, keep.days)
        return forgotten

    async def _forget_next(self, before: datetime, now: datetime) -> int:
        while await self.forget_entries(before) == ENTRIES:
            pass
        return await self.forget_batch(before, now)

    @in_transaction
    async def forget_entries(self, transaction: Transaction, before: datetime) -> int:
        """Forgets some of the transcripts of the tasks that the next batch forgets. How many entries."""
        task_ids = await _ripe(transaction, before)
        return len(await transaction.rows("forget_transcripts", task_ids=json.dumps(task_ids), limit=ENTRIES))

    @in_transaction
    async def forget_batch(self, transaction: Transaction, before: datetime, now: datetime) -> int:
        """Forgets some of the tasks that ended before that time. How many."""
        ripe = await _ripe(transaction, before)
        task_ids = json.dumps(ripe)
        await transaction.rows("forget_transcripts", task_ids=task_ids, limit=_ALL)
        await transaction.rows("forget_attempts", task_ids=task_ids)
        await transaction.rows("forget_questions", task_ids=task_ids)
        await transaction.rows("forget_history", task_ids=task_ids)
        await transaction.rows("forget_deliveries", task_ids=task_ids)
        await transaction.rows("forget_tasks", task_ids=task_ids, now=now)
        return len(ripe)

    @in_transaction
    async def _forget_told(self, transaction: Transaction, before: datetime) -> int:
        return len(await transaction.rows("forget_told", before=before, limit=BATCH))


async def _ripe(transaction: Transaction, before: datetime) -> list[int]:
    return [row["id"] for row in await transaction.rows("forgettable", before=before, limit=BATCH)]
