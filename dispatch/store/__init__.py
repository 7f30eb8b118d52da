"""Tasks, questions, money, deliveries, gates and alarms in one SQLite file. The only door to aiosqlite."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dispatch.ports import Backup
from dispatch.store.alarms import SqliteAlarms
from dispatch.store.condition import condition
from dispatch.store.database import Database
from dispatch.store.digests import SqliteDigests
from dispatch.store.gates import SqliteGates
from dispatch.store.ledger import SqliteLedger
from dispatch.store.outbox import SqliteOutbox
from dispatch.store.previews import SqlitePreviews
from dispatch.store.questions import SqliteQuestions
from dispatch.store.queue import SqliteQueue
from dispatch.store.retention import SqliteRetention
from dispatch.store.transcripts import SqliteTranscripts

__all__ = ["Store", "condition"]


@dataclass(frozen=True, slots=True)
class Store:
    """The adapters of the ports of queue, money and people on one database, and its care."""

    database: Database
    queue: SqliteQueue
    ledger: SqliteLedger
    outbox: SqliteOutbox
    digests: SqliteDigests
    gates: SqliteGates
    retention: SqliteRetention
    alarms: SqliteAlarms
    questions: SqliteQuestions
    transcripts: SqliteTranscripts
    previews: SqlitePreviews

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Opens the database for the one process that writes it, and makes it where there is none.

        Sends that a dead process had begun are due again, in doubt. Raises StoreError.
        """
        store = cls._on(await Database.open(path))
        try:
            await store.outbox.stop_sending()
        except BaseException:
            await store.close()
            raise
        return store

    @classmethod
    async def read_only(cls, path: Path) -> Self:
        """Opens the database beside the process that writes it. Raises StoreError."""
        return cls._on(await Database.read_only(path))

    @classmethod
    def _on(cls, database: Database) -> Self:
        return cls(
            database,
            SqliteQueue(database),
            SqliteLedger(database),
            SqliteOutbox(database),
            SqliteDigests(database),
            SqliteGates(database),
            SqliteRetention(database),
            SqliteAlarms(database),
            SqliteQuestions(database),
            SqliteTranscripts(database),
            SqlitePreviews(database),
        )

    async def backup(self, path: Path) -> Backup:
        """Copies everything stored into a new file; all else goes on. Raises BackupFailed, StoreError."""
        return await self.database.backup(path)

    async def close(self) -> None:
        """Ends what is under way and closes the file. Closing twice changes nothing."""
        await self.database.close()
