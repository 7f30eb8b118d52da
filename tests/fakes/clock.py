"""A clock that a test moves by hand."""

import asyncio
import heapq
from datetime import datetime, timedelta
from itertools import count

from tests.fakes.values import NOON


class FakeClock:
    """`ports.Clock` that stands still until `advance`."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._order = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        until = self._now + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (until, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many wait for a later time."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def advance(self, by: timedelta) -> None:
        """Moves the time and wakes whoever it has come for."""
        self._now += by
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
