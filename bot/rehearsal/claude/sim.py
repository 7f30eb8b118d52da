"""The simulated Claude as the rest of the project uses it."""

import re
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.rehearsal.claude.failures import Armed, Failure
from bot.rehearsal.claude.models import DEFAULT_MODELS
from bot.rehearsal.claude.room import Room
from bot.rehearsal.claude.script import Step
from bot.rehearsal.claude.served import Served
from bot.rehearsal.claude.server import Server

HOST = "127.0.0.1"
SIMULATED_KEY = "sk-ant-sim-0000000000000000"
_KEY = re.compile(r"sk-ant-sim-[A-Za-z0-9_-]+")


class ClaudeSim:
    """A Messages API on 127.0.0.1 that answers by rote, counts honestly and fails on demand.

    `pace` is the seconds between two chunks of an answer (an Opus model takes half as long again, a
    Haiku model half). `port` 0 takes a free one. `now` gives the time for the books and the prompt
    cache. Raises ValueError for a key that does not begin with `sk-ant-sim-`: a real key must never
    be given to it.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        key: str = SIMULATED_KEY,
        models: tuple[str, ...] = DEFAULT_MODELS,
        pace: float = 0.0,
        port: int = 0,
    ) -> None:
        if not _KEY.fullmatch(key):
            raise ValueError("the simulated Claude takes only keys that begin with sk-ant-sim-")
        if not models:
            raise ValueError("the simulated Claude needs at least one model")
        self._room = Room(key=key, known_models=models, pace=pace, now=now)
        self._port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begins to listen. Raises OSError when the port is taken."""
        self._room.closing.clear()
        app = Server(self._room).application()
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def close(self) -> None:
        """Ends every open stream and stops listening. The books stay readable; it may start again."""
        self._room.closing.set()
        self._room.gate.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The base URL for a client, without `/v1`."""
        return f"http://{HOST}:{self._port}"

    @property
    def key(self) -> str:
        """The only key it accepts."""
        return self._room.key

    @property
    def served(self) -> list[Served]:
        """Every request to `/v1/messages` that is over, in the order they ended."""
        return self._room.served

    @property
    def pending_failures(self) -> tuple[Armed, ...]:
        """The failures still to come."""
        return self._room.armoury.pending

    def fail(
        self,
        kind: Failure | str,
        times: int = 1,
        retry_after: int | None = None,
        model: str | None = None,
    ) -> None:
        """Makes the next `times` valid requests (to `model`) fail. Raises ValueError for an unknown kind."""
        self._room.armoury.arm(Armed(Failure(kind), times, retry_after, model))

    def recover(self) -> None:
        """Forgets every failure still to come."""
        self._room.armoury.disarm()

    def script(self, steps: Iterable[Step]) -> None:
        """Makes the next requests answer exactly so, one step each, before it thinks for itself again."""
        self._room.script.extend(steps)

    def hold(self) -> None:
        """From now on answers stop in the middle, until `release`."""
        self._room.gate.clear()

    def release(self) -> None:
        """Lets held answers go on."""
        self._room.gate.set()

    def wait_for_requests(self, count: int, timeout: float = 5.0) -> Coroutine[Any, Any, None]:
        """Waits until `count` requests have arrived since the beginning. Raises TimeoutError."""
        return self._room.watch.until(lambda: self._room.arrived >= count, timeout)

    def wait_for_held(self, count: int = 1, timeout: float = 5.0) -> Coroutine[Any, Any, None]:
        """Waits until `count` answers are held in the middle. Raises TimeoutError."""
        return self._room.watch.until(lambda: self._room.held >= count, timeout)

    def wait_for_served(self, count: int, timeout: float = 5.0) -> Coroutine[Any, Any, None]:
        """Waits until `count` requests are over, finished or not. Raises TimeoutError."""
        return self._room.watch.until(lambda: len(self._room.served) >= count, timeout)
