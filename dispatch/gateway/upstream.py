"""The way to the model API. The real key leaves the process here and nowhere else."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_address
from types import SimpleNamespace
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDictProxy

from dispatch.timeouts import SILENCE

CONNECT = timedelta(seconds=10)
"""How long connecting may take."""

_PASSED_ON = ("anthropic-version", "anthropic-beta", "content-type", "user-agent")
_PASSED_BACK = ("content-type", "request-id", "retry-after", "x-should-retry")
_LIMITS = "anthropic-ratelimit-"


@dataclass(slots=True)
class Sending:
    """Whether a request has left. Until it has, it cannot cost anything."""

    sent: bool = False


class Upstream:
    """The API at `base_url` (without `/v1`), reached with the real key.

    `idle` is how long an answer may stay silent.
    """

    def __init__(self, base_url: str, key: str, idle: timedelta = SILENCE) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._idle = idle
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Makes ready to send."""
        watch = aiohttp.TraceConfig()
        watch.on_request_headers_sent.append(_note_sent)
        self._client = aiohttp.ClientSession(
            # Each request gets its own connection: on a used one that the server has just closed, nobody
            # could tell a request that cost nothing from one that was lost while it was answered.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            trace_configs=[watch],
            trust_env=not _is_loopback(self._base_url),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Closes every connection."""
        if self._client is not None:
            await self._client.close()

    def post(
        self,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
        sending: Sending,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Sends a session's request on. Raises aiohttp.ClientError; its timeouts are TimeoutErrors too."""
        if self._client is None:
            raise RuntimeError("the way to the API is not open yet")
        passed = {name: headers[name] for name in _PASSED_ON if name in headers}
        return self._client.post(
            f"{self._base_url}{path}",
            params={"beta": query["beta"]} if "beta" in query else None,
            headers={**passed, "x-api-key": self._key, "accept-encoding": "identity"},
            data=BytesIO(body),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=CONNECT.total_seconds(), sock_read=self._idle.total_seconds()
            ),
            trace_request_ctx=sending,
        )


def passed_back(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    """The headers of an answer that a session may see."""
    return {name: value for name, value in headers.items() if _may_pass(name.lower())}


def _may_pass(name: str) -> bool:
    return name in _PASSED_BACK or name.startswith(_LIMITS)


async def _note_sent(
    _client: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = True


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
