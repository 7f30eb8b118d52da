"""What systemd is told: ready, alive, stopping. Without NOTIFY_SOCKET nobody is told anything."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from dispatch.ports import Clock

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"
_log = logging.getLogger(__name__)


class Supervisor:
    """The process that started this one, reached over the datagram socket it named."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog = _watchdog(environment) if self._address else None
        """How long it waits for a sign of life, if it does."""
        self._failing = False

    def tell(self, *states: str) -> None:
        """Sends these states, such as `READY=1`. What cannot be sent is logged, once."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.connect(_as_bound(self._address))
                line.send("\n".join(states).encode())
        except OSError as error:
            if not self._failing:
                _log.error("the supervisor at NOTIFY_SOCKET cannot be told %s: %s", states[0], error)
            self._failing = True
        else:
            self._failing = False

    @asynccontextmanager
    async def kept_informed(self, clock: Clock) -> AsyncIterator[None]:
        """Says from the event loop, twice as often as asked for, that it turns."""
        if self.watchdog is None:
            yield
            return
        beating = asyncio.create_task(self._beat(self.watchdog / 2, clock), name="heartbeat")
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})

    async def _beat(self, pause: timedelta, clock: Clock) -> None:
        while True:
            self.tell(_ALIVE)
            await clock.sleep(pause.total_seconds())


def _watchdog(environment: Mapping[str, str]) -> timedelta | None:
    """What WATCHDOG_USEC asks for, where it is this process that is asked."""
    if environment.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    microseconds = environment.get("WATCHDOG_USEC", "")
    return (
        timedelta(microseconds=int(microseconds)) if microseconds.isdecimal() and int(microseconds) else None
    )


def _as_bound(address: str) -> str:
    """A leading @ stands for the zero byte of an abstract address."""
    return f"\0{address[1:]}" if address.startswith("@") else address
