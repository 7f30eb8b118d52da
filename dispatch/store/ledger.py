"""`ports.Ledger` on SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Protocol

from dispatch.booking import Booking
from dispatch.budget import Line, Standing, by_scope
from dispatch.errors import LeaseLost, MoveRefused
from dispatch.ports import Pricing, Spending
from dispatch.store import rows
from dispatch.store.database import Rows, Transaction, in_transaction
from dispatch.store.reports import SqliteReports
from dispatch.task import Claim, Tier
from dispatch.usage import Price, Unpriced, Usage

_DIED = "the process died before the price was known"


class Reads(Protocol):
    """A database, or a transaction in it."""

    async def rows(self, name: str, /, **values: object) -> Rows: ...


class SqliteLedger(SqliteReports):
    """One row for each API request, opened before it is sent. A booked row never changes."""

    @in_transaction
    async def open(self, transaction: Transaction, claim: Claim, model: str, now: datetime) -> int:
        """Books a request as open; its number. Raises LeaseLost when the claim no longer holds."""
        row = await transaction.row(
            "open_booking", task_id=claim.task.id, attempt=claim.attempt, model=model, now=now
        )
        if row is None:
            raise LeaseLost(f"Attempt {claim.attempt} of #{claim.task.id} no longer owns it.")
        return int(row["id"])

    @in_transaction
    async def book(
        self,
        transaction: Transaction,
        booking_id: int,
        *,
        model: str,
        request_id: str,
        usage: Usage,
        price: Price | Unpriced,
        estimated: bool,
        now: datetime,
    ) -> None:
        """Closes an open row with what the request came to. Raises MoveRefused when it is not open."""
        row = await transaction.row(
            "book",
            booking_id=booking_id,
            model=model,
            request_id=request_id,
            estimated=estimated,
            now=now,
            **_cost(price),
            **asdict(usage),
        )
        if row is None:
            raise _not_open(booking_id)

    @in_transaction
    async def drop(self, transaction: Transaction, booking_id: int) -> None:
        """Forgets an open row whose request the API refused before any token. Raises MoveRefused."""
        if await transaction.row("drop_booking", booking_id=booking_id) is None:
            raise _not_open(booking_id)

    @in_transaction
    async def note(
        self, transaction: Transaction, booking_id: int, model: str, request_id: str, usage: Usage
    ) -> None:
        """Notes what an open row has come to so far, so that a crash does not forget it."""
        await transaction.rows(
            "note_booking", booking_id=booking_id, model=model, request_id=request_id, **asdict(usage)
        )

    @in_transaction
    async def close_open(self, transaction: Transaction, price: Pricing, now: datetime) -> int:
        """Books every row left open by a dead process, at least what it was seen to cost. How many.

        A row of which nothing was noted is unpriced. For the start.
        """
        left = [rows.booking(row) for row in await transaction.rows("open_bookings")]
        for booking in left:
            known = booking.usage.prompt_tokens > 0
            cost = price(booking.model, booking.usage) if known else Unpriced(_DIED)
            await self._close(transaction, booking, cost, now)
        return len(left)

    async def _close(
        self, transaction: Transaction, booking: Booking, price: Price | Unpriced, now: datetime
    ) -> None:
        await transaction.rows(
            "book",
            booking_id=booking.id,
            model=booking.model,
            request_id=booking.request_id,
            estimated=True,
            now=now,
            **_cost(price),
            **asdict(booking.usage),
        )

    async def spent(self, task_id: int) -> int:
        """Micro-dollars booked for the task so far, all attempts."""
        (row,) = await self.database.rows("spent", task_id=task_id)
        return int(row["micro_usd"])

    async def tokens(self, task_id: int) -> int:
        """Tokens booked for the task so far, in and out, all attempts."""
        (row,) = await self.database.rows("spent", task_id=task_id)
        return int(row["tokens"])

    async def standing(self, since: datetime, resets_at: datetime) -> Standing:
        """What was spent since then, and what running tasks may still spend."""
        return await standing_in(self.database, since, resets_at)

    async def bookings(self, since: datetime, until: datetime) -> Sequence[Booking]:
        """The rows booked in [since, until), oldest first."""
        return [rows.booking(row) for row in await self.database.rows("bookings", since=since, until=until)]

    async def spending(self, since: datetime, until: datetime) -> Sequence[Spending]:
        """Sums by tier over [since, until)."""
        return [
            Spending(Tier(row["tier"]), row["tasks"], row["micro_usd"], row["unpriced"])
            for row in await self.database.rows("spending", since=since, until=until)
        ]


def _not_open(booking_id: int) -> MoveRefused:
    return MoveRefused(f"Ledger row {booking_id} is not open; what is booked stays booked.")


def _cost(price: Price | Unpriced) -> dict[str, object]:
    return {
        "cost_micro_usd": price.micro_usd if isinstance(price, Price) else None,
        "price_version": price.version if isinstance(price, Price) else None,
        "unpriced": price.reason if isinstance(price, Unpriced) else None,
    }


async def standing_in(source: Reads, since: datetime, resets_at: datetime) -> Standing:
    """Where the day stands, read inside a transaction or beside it."""
    spent = {row["scope"]: row["micro_usd"] for row in await source.rows("spent_since", since=since)}
    reserved = by_scope(_line(row) for row in await source.rows("reserved"))
    return Standing(spent, reserved, resets_at)


def _line(row: sqlite3.Row) -> Line:
    return Line(Tier(row["tier"]), row["channel"], row["requester"], row["micro_usd"])
