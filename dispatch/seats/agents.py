"""Seats for agents, of all tiers together: each is a process of its own, with what it builds and tests."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from dispatch.policy import URGENT

GIBIBYTE = 1024**3
_EACH_CORE = 2


def seats_for(cores: int, memory_bytes: int) -> int:
    """How many agents a machine has room for: two for each core, and a GiB for each beside one for the rest.

    With more on a core their starts slow each other down: eight on two cores need 3 to 5 s where four need
    under 2. An agent itself holds 0.1 to 0.3 GiB; the rest is for the commands that it runs.
    """
    return max(1, min(_EACH_CORE * cores, memory_bytes // GIBIBYTE - 1))


class AgentSeats:
    """So many seats, of which `kept` are only for p1 and p2. The most urgent that waits sits down next."""

    def __init__(self, seats: int, kept: int = 0) -> None:
        self.seats = seats
        self._free = seats
        self._kept = min(kept, seats - 1)
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    def is_free(self, priority: int) -> bool:
        """Whether there is a seat now for a session of that priority."""
        return self._free > (0 if priority <= URGENT else self._kept)

    @asynccontextmanager
    async def taken(self, priority: int) -> AsyncIterator[None]:
        """A seat, once there is one."""
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), turn))
        self._seat_next()
        try:
            await turn
            yield
        finally:
            if not turn.cancelled():
                self._free += 1
                self._seat_next()

    def _seat_next(self) -> None:
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if not turn.cancelled():
                if not self.is_free(priority):
                    return
                self._free -= 1
                turn.set_result(None)
            heapq.heappop(self._waiting)
