"""The real time. The only place that asks the machine for it."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """`ports.Clock` on the machine's clock."""

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.now(UTC)  # noqa: TID251

    async def sleep(self, seconds: float) -> None:
        """Returns when so many seconds have passed."""
        await asyncio.sleep(seconds)  # noqa: TID251
