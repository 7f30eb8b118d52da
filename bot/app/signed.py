"""How the app takes requests over HTTP."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.ear import Ear

_UNSIGNED: Final = 401
_SIGNED: Final = {
    "X-Slack-Request-Timestamp": re.compile("[0-9]{1,12}"),
    "X-Slack-Signature": re.compile("v0=[0-9a-f]{64}"),
}
"""What Slack signs with. Bolt breaks on anything else in their place."""

_log = logging.getLogger(__package__)


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
