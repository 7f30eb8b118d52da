"""`ports.Reports` on SQLite."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dispatch.faults import FaultKind
from dispatch.findings import AttemptEnd, FirstStart, Thumb
from dispatch.ports import BillLine, Spending
from dispatch.store import rows
from dispatch.store.database import Database
from dispatch.task import Task, Tier, Verdict


class SqliteReports:
    """Reads the ledger over a window, beside the tasks and attempts that it is of."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def booked_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that anything was booked for in [since, until)."""
        return [rows.task(row) for row in await self.database.rows("booked_tasks", since=since, until=until)]

    async def booked_attempts(self, since: datetime, until: datetime) -> Sequence[AttemptEnd]:
        """The attempts that anything was booked for in [since, until)."""
        return [
            AttemptEnd(
                task_id=row["task_id"],
                number=row["number"],
                started_at=rows.moment(row["started_at"]),
                ended_at=rows.maybe_moment(row["ended_at"]),
                verdict=Verdict(row["verdict"]) if row["verdict"] else None,
                fault=FaultKind(row["fault"]) if row["fault"] else None,
            )
            for row in await self.database.rows("booked_attempts", since=since, until=until)
        ]

    async def first_starts(self, since: datetime, until: datetime) -> Sequence[FirstStart]:
        """The tasks that ran for the first time in [since, until)."""
        return [
            FirstStart(row["id"], row["priority"], row["channel"], timedelta(microseconds=row["waited"]))
            for row in await self.database.rows("first_starts", since=since, until=until)
        ]

    async def thumbs(self, since: datetime, until: datetime) -> Sequence[Thumb]:
        """What people came to think of answers in [since, until)."""
        return [
            Thumb(row["task_id"], row["channel"], bool(row["liked"]))
            for row in await self.database.rows("thumbs", since=since, until=until)
        ]

    async def spent_between(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """Micro-dollars by budget scope over [since, until)."""
        found = await self.database.rows("spent_between", since=since, until=until)
        return {row["scope"]: row["micro_usd"] for row in found}

    async def unpriced_between(self, since: datetime, until: datetime) -> Mapping[str, int]:
        """How many requests of [since, until) have no known price, by channel and person."""
        counts = Counter[str]()
        for row in await self.database.rows("unpriced_between", since=since, until=until):
            counts[f"channel:{row['channel']}"] += row["requests"]
            counts[f"person:{row['requester']}"] += row["requests"]
        return counts

    async def spending_of_channel(self, channel: str, since: datetime, until: datetime) -> Sequence[Spending]:
        """Sums by tier over [since, until) for the tasks of one channel."""
        return [
            Spending(Tier(row["tier"]), row["tasks"], row["micro_usd"], row["unpriced"])
            for row in await self.database.rows(
                "spending_of_channel", channel=channel, since=since, until=until
            )
        ]

    async def open_in_channel(self, channel: str) -> int:
        """How many tasks of a channel have not ended."""
        (row,) = await self.database.rows("open_in_channel", channel=channel)
        return int(row["tasks"])

    async def newest_billed(self, since: datetime, until: datetime) -> int:
        """The highest number of a task that anything was booked for in [since, until); 0 for none."""
        (row,) = await self.database.rows("newest_billed", since=since, until=until)
        return int(row["newest"] or 0)

    async def bill(
        self, since: datetime, until: datetime, after: int, newest: int, limit: int
    ) -> Sequence[BillLine]:
        """The lines of the first tasks behind number `after` and up to `newest`, in order."""
        found = await self.database.rows(
            "bill", since=since, until=until, after=after, newest=newest, limit=limit
        )
        return [
            BillLine(
                task=rows.task(row),
                started_at=rows.maybe_moment(row["started_at"]),
                input_tokens=row["input_tokens"],
                cache_read_tokens=row["cache_read_tokens"],
                cache_write_tokens=row["cache_write_tokens"],
                output_tokens=row["output_tokens"],
                micro_usd=row["billed_micro_usd"],
                unpriced=row["billed_unpriced"],
            )
            for row in found
        ]
