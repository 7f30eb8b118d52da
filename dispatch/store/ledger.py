"""`ports.Ledger` on SQLite."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from dispatch.errors import LeaseLost, MoveRefused
from dispatch.ports import Spending
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.task import Booking, Claim, Price, Tier, Unpriced, Usage

_DIED = "the process died before the price was known"


class SqliteLedger:
    """One row for each API request, opened before it is sent. A booked row never changes."""

    def __init__(self, database: Database) -> None:
        self.database = database

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
            cost_micro_usd=price.micro_usd if isinstance(price, Price) else None,
            price_version=price.version if isinstance(price, Price) else None,
            unpriced=price.reason if isinstance(price, Unpriced) else None,
            estimated=estimated,
            now=now,
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
    async def close_open(self, transaction: Transaction, now: datetime) -> int:
        """Books every row left open by a dead process as unpriced. For the start. How many."""
        return len(await transaction.rows("close_open", unpriced=_DIED, now=now))

    async def spent(self, task_id: int) -> int:
        """Micro-dollars booked for the task so far, all attempts."""
        (row,) = await self.database.rows("spent", task_id=task_id)
        return int(row["micro_usd"])

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
