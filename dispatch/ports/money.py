"""The ledger: what every request to the API cost."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from dispatch.booking import Booking
from dispatch.budget import Standing
from dispatch.ports.reports import Reports, Spending
from dispatch.task import Claim
from dispatch.usage import Price, Unpriced, Usage

Pricing = Callable[[str, Usage], Price | Unpriced]
"""The price of one request to a model, made now."""


class Ledger(Reports, Protocol):
    """One row for each API request, opened before it is sent."""

    async def open(self, claim: Claim, model: str, now: datetime) -> int:
        """Books a request as open; its number. Raises LeaseLost when the claim no longer holds."""
        ...

    async def book(
        self,
        booking_id: int,
        *,
        model: str,
        request_id: str,
        usage: Usage,
        price: Price | Unpriced,
        estimated: bool,
        now: datetime,
    ) -> None:
        """Closes an open row with what the request came to."""
        ...

    async def drop(self, booking_id: int) -> None:
        """Forgets an open row whose request the API refused before any token."""
        ...

    async def note(self, booking_id: int, model: str, request_id: str, usage: Usage) -> None:
        """Notes what an open row has come to so far, so that a crash does not forget it."""
        ...

    async def close_open(self, price: Pricing, now: datetime) -> int:
        """Books every row left open by a dead process, at least what it was seen to cost. How many.

        A row of which nothing was noted is unpriced. For the start.
        """
        ...

    async def spent(self, task_id: int) -> int:
        """Micro-dollars booked for the task so far, all attempts."""
        ...

    async def tokens(self, task_id: int) -> int:
        """Tokens booked for the task so far, in and out, all attempts."""
        ...

    async def standing(self, since: datetime, resets_at: datetime) -> Standing:
        """What was spent since then, and what running tasks may still spend."""
        ...

    async def bookings(self, since: datetime, until: datetime) -> Sequence[Booking]:
        """The rows booked in [since, until), oldest first."""
        ...

    async def spending(self, since: datetime, until: datetime) -> Sequence[Spending]:
        """Sums by tier over [since, until)."""
        ...
