"""What operators have been told and have not heard the end of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm that stands, or whose end has not been told yet.

    `told_at` is when operators last heard of it, `message` the one in `channel` that says so; both are
    None until they have. `acknowledged_by` is a person's id, `delayed` the most tasks seen waiting.
    """

    key: str
    since: datetime
    told_at: datetime | None = None
    channel: str | None = None
    message: str | None = None
    acknowledged_by: str | None = None
    delayed: int = 0


class Alarms(Protocol):
    """The alarms that stand, kept so that the next process goes on with them.

    Every method raises StoreError.
    """

    async def all(self) -> Sequence[OpenAlarm]:
        """Every open alarm, oldest first."""
        ...

    async def put(self, alarm: OpenAlarm) -> None:
        """Keeps an alarm as it is now, in place of what was kept of it. Doing it twice changes nothing."""
        ...

    async def close(self, key: str) -> OpenAlarm | None:
        """Forgets an alarm; what was kept of it, if anything was."""
        ...

    async def probe(self, now: datetime) -> None:
        """Writes to the disk and leaves nothing behind."""
        ...
