"""`ports.Transcripts` on SQLite."""

import json
from collections.abc import Sequence

from dispatch.errors import LeaseLost
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.rows import bound, moment
from dispatch.transcript import Entry, Kind


class SqliteTranscripts:
    """One row for each entry. A row never changes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @in_transaction
    async def append(
        self, transaction: Transaction, task_id: int, attempt: int, first: int, entries: Sequence[Entry]
    ) -> None:
        """Stores entries, numbered from `first` on (1 is the first of all); those stored already stay.

        Raises LeaseLost where the attempt does not run any more, StoreError.
        """
        if await transaction.row("is_running", task_id=task_id, attempt=attempt) is None:
            raise LeaseLost(f"Attempt {attempt} of #{task_id} no longer owns it.")
        values = [[bound(entry.at), entry.who, entry.kind, entry.text] for entry in entries]
        await transaction.rows(
            "add_entries", task_id=task_id, attempt=attempt, first=first, entries=json.dumps(values)
        )

    async def entries(self, task_id: int, attempt: int, after: int, limit: int) -> Sequence[Entry]:
        """So many entries at most behind that number; none where there are none. Raises StoreError."""
        found = await self.database.rows(
            "entries", task_id=task_id, attempt=attempt, after=after, limit=limit
        )
        return [Entry(moment(row["at"]), row["who"], Kind(row["kind"]), row["text"]) for row in found]
