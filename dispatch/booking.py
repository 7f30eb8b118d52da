"""A line of the ledger. Pure."""

from dataclasses import dataclass
from datetime import datetime

from dispatch.task import Tier
from dispatch.usage import Price, Unpriced, Usage


@dataclass(frozen=True, slots=True)
class Booking:
    """One API request in the ledger. `price` is None while it is open.

    `estimated` marks a request cut before the API said its final usage: output is counted from the
    text that arrived.
    """

    id: int
    task_id: int
    attempt: int
    tier: Tier
    model: str
    request_id: str
    usage: Usage
    price: Price | Unpriced | None
    estimated: bool
    opened_at: datetime
    booked_at: datetime | None

    @property
    def at(self) -> datetime:
        """When it was priced, or is to be."""
        return self.booked_at or self.opened_at
