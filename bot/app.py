"""Bolt: what arrives from Slack goes to intake or controls. Registration only; slack_bolt's door."""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.ear import Ear
from bot.ports import Identity, NoAnswer, RateLimited
from bot.takers import Events, Forms, Homes, Presses, Requests, Sent
from bot.trouble import translated
from dispatch.ports import Clock

LINES: Final = 2
"""Sockets held open: Slack closes one to renew it, and drops what it has for a team without any."""

SHORTCUTS: Final = ("new_task", "run_as_task")
FORM: Final = "new_task"
FOLLOW_UP: Final = "follow_up"
"""What the manifest and the forms are named by."""

_LOOK: Final = 5.0
_PATIENCE: Final = timedelta(seconds=20)
_LAST_WORDS: Final = 1.5
_ANY: Final = re.compile("")
_UNSIGNED: Final = 401
_SIGNED: Final = {
    "X-Slack-Request-Timestamp": re.compile("[0-9]{1,12}"),
    "X-Slack-Signature": re.compile("v0=[0-9a-f]{64}"),
}
"""What Slack signs with. Bolt breaks on anything else in their place."""

_log = logging.getLogger(__name__)


def build(
    requests: Requests,
    presses: Presses,
    me: Identity,
    signing_secret: str = "",
    homes: Homes | None = None,
    forms: Forms | None = None,
    presence: Events | None = None,
    follow_ups: Sent | None = None,
) -> AsyncApp:
    """The Bolt app. It acknowledges after the request is stored, and asks Slack nothing before that.

    Without `homes` nobody is shown a Home tab.
    Requests over HTTP must bear a signature made with `signing_secret`; without one all are refused.
    """

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=me.team, bot_id=me.bot, bot_user_id=me.user)

    app = AsyncApp(
        name="onequeue",
        logger=_quiet("bolt"),
        authorize=authorize,
        signing_secret=signing_secret or secrets.token_hex(32),
        process_before_response=True,
    )

    @app.command("/task")
    async def command(ack: Any, body: dict[str, Any]) -> None:
        # The acknowledgement comes last: what raises after it takes it back.
        await ack(await (forms or requests).slash(body))

    if homes is not None:
        _take_presses_in(homes, app)

    @app.action(_ANY)
    async def action(ack: Any, body: dict[str, Any], respond: Any) -> None:
        if said := await presses.press(body):
            await _say(respond, said)
        await ack()

    if forms is not None:
        _hear_forms(app, forms)
    if follow_ups is not None:
        _take_form(app, FOLLOW_UP, follow_ups)

    @app.event(_ANY)
    async def event(body: dict[str, Any]) -> None:
        if homes is not None:
            homes.opened(body)
        try:
            if presence is not None:
                await presence.event(body)
            await requests.event(body)
        except Exception:
            _log.exception("an event was not taken; Slack sends it again")
            raise

    return app


def _take_presses_in(homes: Homes, app: AsyncApp) -> None:
    async def in_home(body: dict[str, Any]) -> bool:
        return bool((body.get("view") or {}).get("type") == "home")

    @app.action(_ANY, matchers=[in_home])
    async def home_action(ack: Any, body: dict[str, Any]) -> None:
        await homes.press(body)
        await ack()


def _hear_forms(app: AsyncApp, forms: Forms) -> None:
    async def shortcut(ack: Any, body: dict[str, Any]) -> None:
        await forms.shortcut(body)
        await ack()

    for name in SHORTCUTS:
        app.shortcut(name)(shortcut)
    _take_form(app, FORM, forms)


def _take_form(app: AsyncApp, name: str, taker: Sent) -> None:
    async def submitted(ack: Any, body: dict[str, Any]) -> None:
        wrong = await taker.submitted(body)
        await (ack(response_action="errors", errors=dict(wrong)) if wrong else ack())

    app.view(name)(submitted)


def taking(app: AsyncApp, ear: Ear) -> Callable[[web.Request], Awaitable[web.Response]]:
    """How the app takes a request over HTTP: once it is stored the answer is 200, and 500 where it is not.

    `ear` hears of those that bear Slack's signature.

    What has not the shape of a request is answered with 400: Bolt reads it before it looks at the signature.
    """

    async def take(request: web.Request) -> web.Response:
        if not _may_be_signed(request):
            return web.Response(status=_UNSIGNED)
        asked = _as_bolt_reads(await request.read(), request)
        if asked is None:
            return web.Response(status=400)
        answer = await app.async_dispatch(asked)
        # A check of the certificate needs no signature, so anybody may have sent it.
        if answer.status != _UNSIGNED and "ssl_check" not in asked.body:
            ear.hear(asked.body)
        return await to_aiohttp_response(answer)

    return take


def _may_be_signed(request: web.Request) -> bool:
    """Whether what it bears as a signature could be one; also where it bears none."""
    return all(
        shape.fullmatch(given)
        for name, shape in _SIGNED.items()
        for given in request.headers.getall(name, ())
    )


def _as_bolt_reads(body: bytes, request: web.Request) -> AsyncBoltRequest | None:
    try:
        read = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
    except Exception:
        return None
    found: Any = read.body
    return read if isinstance(found, dict) else None


async def _say(respond: Any, text: str) -> None:
    """Tells one person at once, if Slack takes it in time: the acknowledgement cannot wait longer."""
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await respond(text=text, response_type="ephemeral", replace_original=False)
    except Exception:
        _log.exception("a press could not be answered")


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
            logger=_quiet("socket"),
        )
        line.client.wss_uri = address
        line.client.socket_mode_request_listeners.insert(0, self._note)
        return line

    async def _note(self, _client: object, request: SocketModeRequest) -> None:
        self.ear.hear(request.payload)


async def _connect(line: AsyncSocketModeHandler) -> None:
    await line.connect_async()  # type: ignore[no-untyped-call]


def _quiet(name: str) -> logging.Logger:
    """A log for Bolt that shows only what cannot go on: we say ourselves what an operator should know."""
    log = logging.getLogger(f"{__name__}.{name}")
    log.setLevel(logging.CRITICAL)
    return log
