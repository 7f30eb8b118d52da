"""Slack's requests over HTTP, where a team has an address that Slack can reach. Behind TLS, not without."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from bot.config import ConfigError
from bot.ear import Ear
from bot.manifest import REQUESTS

HEALTH: Final = "/health"
"""Answers 200 as long as requests are taken, 503 while it drains."""

DRAIN: Final = 4.0
"""Requests under way at the end get so many seconds; Slack waits three."""

_MOST_BYTES: Final = 1024 * 1024
_READ_WITHIN: Final = 5.0
_RETRY_SOON: Final = {"Retry-After": "1"}
_REFUSED: Final = {400: "a request that cannot be read", 401: "a request without Slack's signature"}
_log = logging.getLogger(__name__)

Take = Callable[[web.Request], Awaitable[web.Response]]
"""Takes one request of Slack's and answers once it is stored; 5xx where it could not be."""


class HttpDoor:
    """The line to Slack in HTTP mode, as an asynchronous context manager: Slack is heard inside it.

    What could not be stored is answered with 503, so that Slack sends it again. Leaving it takes nothing
    new and lets what is under way end. Entering raises ConfigError where it cannot listen there.
    """

    def __init__(self, take: Take, host: str, port: int, ear: Ear) -> None:
        self._take = take
        self._host = host
        self._port = port
        self._open = False
        self._refusing = False
        self.ear = ear
        app = web.Application(client_max_size=_MOST_BYTES)
        app.add_routes([web.post(REQUESTS, self._slack), web.get(HEALTH, self._health)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN)

    @property
    def url(self) -> str:
        """Where it listens, on this machine."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def connected(self) -> int:
        """1 while Slack can be heard, else 0."""
        return int(self._open)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(
                f"slack.http: cannot listen at {self.url} ({error.strerror}). Name another address or port."
            ) from None
        self._port = self._runner.addresses[0][1]
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        await self._runner.cleanup()

    async def _slack(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_READ_WITHIN):
                await request.read()
        except TimeoutError:
            return web.Response(status=408)
        answer = await self._take(request)
        if answer.status >= 500:
            return web.Response(status=503, text="not stored: send it again", headers=_RETRY_SOON)
        self._note(answer.status)
        return answer

    def _note(self, status: int) -> None:
        """Anybody may send anything here, as fast as they can: of many in a row the log has one."""
        refused = status in _REFUSED
        if refused and not self._refusing:
            _log.warning("%s was refused; is SLACK_SIGNING_SECRET right?", _REFUSED[status])
        self._refusing = refused

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok") if self._open else web.Response(status=503, text="stopping")
