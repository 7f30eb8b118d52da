"""Slack and Claude as the doctor asks them: plain requests whose headers it can see, none of which costs."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp

from bot.doctor.ports import Answer, Reply
from bot.ports import NoAnswer, RateLimited, Refused
from dispatch.errors import Unreachable

_VERSION: Final = "2023-06-01"
_UNSAID_WAIT: Final = 30.0
_WORDS: Final = 200


class Probes:
    """One HTTP client for both, open inside the context. `seconds` is what one request may take."""

    def __init__(self, seconds: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def __aenter__(self) -> Self:
        self.http = aiohttp.ClientSession(timeout=self._timeout, trust_env=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()


class SlackProbe:
    """`doctor.ports.Slack` on Slack's Web API and a socket of its own."""

    def __init__(self, probes: Probes, api_url: str, bot_token: str, app_token: str) -> None:
        self._probes = probes
        self._api_url = api_url
        self._bot_token = bot_token
        self._app_token = app_token

    async def call(self, method: str, arguments: Mapping[str, Any] | None = None) -> Answer:
        """Calls a method with the bot token. Raises ChatError."""
        return await self._call(self._bot_token, method, arguments or {})

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["SocketLine"]:
        """A socket of the app. Raises ChatError."""
        opened = await self._call(self._app_token, "apps.connections.open", {})
        with _answered():
            websocket = await self._probes.http.ws_connect(str(opened.body["url"]))
        try:
            yield SocketLine(websocket)
        finally:
            await websocket.close()

    async def _call(self, token: str, method: str, arguments: Mapping[str, Any]) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        with _answered():
            async with self._probes.http.post(
                f"{self._api_url}{method}", data=arguments, headers=headers
            ) as response:
                return await _read(response)


class SocketLine:
    """`doctor.ports.Line` on a websocket."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def heard(self) -> Mapping[str, Any]:
        """The next frame. Raises NoAnswer where the socket closes."""
        with _answered():
            while True:
                frame = await self._websocket.receive()
                if frame.type is aiohttp.WSMsgType.TEXT and frame.data.startswith("{"):
                    found: Mapping[str, Any] = json.loads(frame.data)
                    return found
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    raise NoAnswer("the socket was closed", in_doubt=False)

    async def acknowledge(self, envelope: str) -> None:
        """Says that an envelope was taken."""
        with _answered():
            await self._websocket.send_json({"envelope_id": envelope})


class ClaudeProbe:
    """`doctor.ports.Claude` on the Messages API."""

    def __init__(self, probes: Probes, base_url: str, key: str) -> None:
        self._probes = probes
        self._base_url = base_url.rstrip("/")
        self._headers = {"x-api-key": key, "anthropic-version": _VERSION}

    async def model(self, model: str) -> Reply:
        """Whether the key may use the model. Raises Unreachable.

        An address without a list of models is asked to count tokens.
        """
        listed = await self._ask("GET", f"/v1/models/{quote(model, safe='')}", None)
        if listed.status not in (404, 405) or listed.kind == "not_found_error":
            return listed
        messages = [{"role": "user", "content": "hello"}]
        return await self._ask("POST", "/v1/messages/count_tokens", {"model": model, "messages": messages})

    async def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        try:
            async with self._probes.http.request(
                verb, f"{self._base_url}{path}", json=body, headers=self._headers, allow_redirects=False
            ) as response:
                error = _json(await response.text()).get("error") if response.status != 200 else None
        except (aiohttp.ClientError, OSError) as broken:
            raise Unreachable(f"no answer from Claude: {_why(broken)}") from broken
        named = error if isinstance(error, Mapping) else {}
        return Reply(response.status, str(named.get("type", "")), str(named.get("message", ""))[:_WORDS])


async def _read(response: aiohttp.ClientResponse) -> Answer:
    body = _json(await response.text())
    if response.status == 429:
        wait = response.headers.get("Retry-After", "")
        raise RateLimited(float(wait) if wait.isdecimal() else _UNSAID_WAIT)
    if not body:
        raise NoAnswer(f"HTTP {response.status}", in_doubt=False)
    if not body.get("ok"):
        raise Refused(str(body.get("error", "no reason given")))
    scopes = response.headers.get("X-OAuth-Scopes", "").split(",")
    return Answer(body, frozenset(filter(None, map(str.strip, scopes))), _date(response.headers.get("Date")))


def _json(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None


@contextmanager
def _answered() -> Iterator[None]:
    """Turns what the HTTP client raises into ChatError."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise NoAnswer(_why(error), in_doubt=True) from error


def _why(error: Exception) -> str:
    return (
        "it took too long" if isinstance(error, TimeoutError) else f"{type(error).__name__} {error}".rstrip()
    )
