"""`ports.Digests` on SQLite."""

from datetime import date, datetime

from dispatch.delivery import NewDelivery
from dispatch.editions import Edition
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.outbox import put


class SqliteDigests:
    """Which days have been told to which channel, of each edition."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def last_day(self, edition: Edition, channel: str) -> date | None:
        """The newest day told, in the edition's zone."""
        (row,) = await self.database.rows("last_day", edition=edition, channel=channel)
        return None if row["day"] is None else date.fromisoformat(row["day"])

    @in_transaction
    async def tell(
        self,
        transaction: Transaction,
        edition: Edition,
        channel: str,
        day: date,
        digest: NewDelivery | None,
        now: datetime,
    ) -> bool:
        """Notes the day as told and makes its digest due, in one transaction. False when told before.

        Without a digest the day is only noted: the first day told is the one after it.
        """
        if await transaction.row("tell", edition=edition, channel=channel, day=day, now=now) is None:
            return False
        if digest is not None:
            await put(transaction, digest, now)
        return True
