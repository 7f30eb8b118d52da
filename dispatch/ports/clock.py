"""The time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, and waiting for it. Tests move it."""

    def now(self) -> datetime:
        """The present, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns when so many seconds have passed."""
        ...
