"""`ports.Alarms` on SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from dispatch.ports import OpenAlarm
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction

_PROBE = "probe"


class SqliteAlarms:
    """The alarms that stand."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def all(self) -> Sequence[OpenAlarm]:
        """Every open alarm, oldest first."""
        return [_alarm(row) for row in await self.database.rows("alarms")]

    @in_transaction
    async def put(self, transaction: Transaction, alarm: OpenAlarm) -> None:
        """Keeps an alarm as it is now, in place of what was kept of it. Doing it twice changes nothing."""
        await transaction.rows("put_alarm", **asdict(alarm))

    @in_transaction
    async def close(self, transaction: Transaction, key: str) -> OpenAlarm | None:
        """Forgets an alarm; what was kept of it, if anything was."""
        row = await transaction.row("close_alarm", key=key)
        return None if row is None else _alarm(row)

    @in_transaction
    async def probe(self, transaction: Transaction, now: datetime) -> None:
        """Writes to the disk and leaves nothing behind."""
        await transaction.rows("put_alarm", **asdict(OpenAlarm(_PROBE, now)))
        await transaction.rows("close_alarm", key=_PROBE)


def _alarm(row: sqlite3.Row) -> OpenAlarm:
    return OpenAlarm(
        key=row["key"],
        since=rows.moment(row["since"]),
        told_at=rows.maybe_moment(row["told_at"]),
        channel=row["channel"],
        message=row["message"],
        acknowledged_by=row["acknowledged_by"],
        delayed=row["delayed"],
    )
