"""The connections to Slack in Socket Mode."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.quiet import quiet
from bot.ear import Ear
from bot.ports import NoAnswer, RateLimited
from bot.trouble import translated
from dispatch.ports import Clock

LINES: Final = 2
"""Sockets held open: Slack closes one to renew it, and drops what it has for a team without any."""

_LOOK: Final = 5.0
_PATIENCE: Final = timedelta(seconds=20)
_log = logging.getLogger(__package__)


class Sockets:
    """The connections to Slack, as an asynchronous context manager: the first is open inside it, the others
    follow. Slack may let an app open only one a minute.

    `ping` is the seconds between two signs of life. Entering raises Refused where the app token is.
    """

    def __init__(self, app: AsyncApp, app_token: str, api_url: str, clock: Clock, ping: float = 10) -> None:
        self._app = app
        self._token = app_token
        self._web = AsyncWebClient(app_token, api_url, retry_handlers=[])
        self._clock = clock
        self._ping = ping
        self._lines: list[AsyncSocketModeHandler] = []
        self._down: dict[int, datetime] = {}
        self._watching: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self.ear = Ear(clock)

    @property
    def lines(self) -> Sequence[AsyncSocketModeHandler]:
        """Each connection's handler."""
        return self._lines

    async def connected(self) -> int:
        """How many of the lines are up."""
        return sum([await line.client.is_connected() for line in self._lines])

    async def __aenter__(self) -> Self:
        first = await self._address()
        for _ in range(LINES):
            self._lines.append(self._line(first))
            first = None
        self._watching = asyncio.create_task(self._watch(), name="sockets")
        self._connecting = {asyncio.create_task(_connect(line)) for line in self._lines}
        try:
            await asyncio.wait(self._connecting, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes every line."""
        begun = {*self._connecting, *({self._watching} if self._watching else ())}
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
        for line in self._lines:
            await line.close_async()  # type: ignore[no-untyped-call]

    async def heal(self) -> None:
        """Lets a line that has been down for long ask for a new address.

        Bolt's client tries the address it has for ever, and an address is good for one connection only.
        """
        now = self._clock.now()
        for number, line in enumerate(self._lines):
            if await line.client.is_connected():
                if self._down.pop(number, None):
                    _log.warning("Slack connection %d of %d is back", number + 1, LINES)
            elif number not in self._down:
                self._down[number] = now
                _log.warning("Slack connection %d of %d is down", number + 1, LINES)
            elif now - self._down[number] > _PATIENCE:
                line.client.wss_uri = None
                self._down[number] = now

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(_LOOK)
            await self.heal()

    async def _address(self) -> str | None:
        """A first address, which shows that the token works; None where Slack cannot be reached now."""
        try:
            with translated():
                opened = await self._web.apps_connections_open(app_token=self._token)
        except (NoAnswer, RateLimited) as error:
            _log.warning("Slack cannot be reached yet: %s", error)
            return None
        return str(opened["url"])

    def _line(self, address: str | None) -> AsyncSocketModeHandler:
        line = AsyncSocketModeHandler(
            self._app,
            self._token,
            web_client=self._web,
            ping_interval=self._ping,
            logger=quiet("socket"),
        )
        line.client.wss_uri = address
        line.client.socket_mode_request_listeners.insert(0, self._note)
        return line

    async def _note(self, _client: object, request: SocketModeRequest) -> None:
        self.ear.hear(request.payload)


async def _connect(line: AsyncSocketModeHandler) -> None:
    await line.connect_async()  # type: ignore[no-untyped-call]
