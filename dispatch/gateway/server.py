"""The gateway as an HTTP server on loopback: who may pass, and what may pass."""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from dispatch.errors import LeaseLost, StoreError
from dispatch.faults import GATEWAY_ERROR
from dispatch.gateway import mcp
from dispatch.gateway.account import Account
from dispatch.gateway.admission import Admission
from dispatch.gateway.asking import Ask, approving
from dispatch.gateway.passage import Asked, Passage, pass_through
from dispatch.gateway.problem import Refused
from dispatch.gateway.tools import FollowUp, own_progress, tools_for
from dispatch.gateway.upstream import Upstream
from dispatch.ports import Access, Clock, Ledger, Pricing, Queue
from dispatch.task import Claim

HOST = "127.0.0.1"
MAX_BODY_BYTES = 32 * 1024 * 1024
_log = logging.getLogger(__name__)


class MeteringGateway:
    """`ports.Gateway` as a server in this process. Needs `start` first; `close` ends every access."""

    def __init__(
        self,
        upstream: Upstream,
        queue: Queue,
        ledger: Ledger,
        price: Pricing,
        token_caps: Mapping[str, int],
        follow_up: FollowUp,
        ask: Ask,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._queue = queue
        self._ledger = ledger
        self._price = price
        self._token_caps = token_caps
        self._follow_up = follow_up
        self._ask = ask
        self._clock = clock
        self._admissions: dict[str, Admission] = {}
        self._balancing: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begins to listen on a free port."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_in_api_shape])
        app.add_routes(
            [
                web.post("/v1/messages", self._messages),
                web.post("/v1/messages/count_tokens", self._count_tokens),
                web.post("/mcp", self._mcp),
                web.route("*", "/{path:.*}", self._elsewhere),
            ]
        )
        await self._upstream.start()
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()

    async def close(self) -> None:
        """Cuts what is under way, waits until it is booked, and stops listening."""
        admissions, self._admissions = list(self._admissions.values()), {}
        await asyncio.gather(*(admission.close() for admission in admissions))
        if self._runner is not None:
            await self._runner.cleanup()
        await self._upstream.close()
        for balancing in self._balancing:
            balancing.cancel()

    @asynccontextmanager
    async def admit(self, claim: Claim) -> AsyncIterator[Access]:
        """Opens the way for one attempt. Its key ends with it, and so does what is still under way.

        Ends once all of it is booked, so that what is told of the attempt has its whole cost.
        """
        key = f"oq-{claim.task.id}-{claim.attempt}-{secrets.token_urlsafe(24)}"
        tools = tools_for(claim, self._queue, self._follow_up, self._ask, self._clock)
        account = Account(claim, self._ledger, self._price, self._token_caps, self._clock)
        admission = self._admissions[key] = Admission(account, tools, approving(claim, self._ask))
        try:
            yield Access(
                self._url(),
                key,
                admission.tools,
                admission.approve,
                is_paused=lambda: admission.paused,
                tell=own_progress(claim, self._queue, self._clock),
                heard=admission.heard,
            )
        finally:
            self._admissions.pop(key, None)
            try:
                await admission.close()
            finally:
                balanced = self._balance(admission.account)
            await asyncio.shield(balanced)

    def _balance(self, account: Account) -> "asyncio.Task[None]":
        balancing = asyncio.create_task(account.balance())
        self._balancing.add(balancing)
        balancing.add_done_callback(self._balancing.discard)
        return balancing

    def _url(self) -> str:
        if self._runner is None:
            raise RuntimeError("the gateway is not started")
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        admission = self._admission(request)
        if admission.paused:
            raise Refused(403, "permission_error", "this session is put aside until people have answered")
        asked = await _read(request)
        try:
            return await admission.run(Passage(asked, self._upstream, admission.account, admission.heard))
        except LeaseLost as error:
            raise Refused(403, "permission_error", f"this attempt is over: {error}") from error
        except StoreError as error:
            _log.error("a request was refused, the ledger being out of use: %s", error)
            raise Refused(503, GATEWAY_ERROR, "the ledger is out of use") from error

    async def _count_tokens(self, request: web.Request) -> web.StreamResponse:
        self._admission(request)
        return await pass_through(await _read(request), self._upstream)

    async def _mcp(self, request: web.Request) -> web.StreamResponse:
        admission = self._admission(request)
        return await mcp.answer(await _body(request), admission.tools)

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        raise Refused(404, "not_found_error", f"nothing here answers {request.method} on that path")

    def _admission(self, request: web.Request) -> Admission:
        given = request.headers.get("x-api-key") or request.headers.get("authorization") or ""
        admission = self._admissions.get(given.removeprefix("Bearer ").strip())
        if admission is None:
            raise Refused(401, "authentication_error", "this key opens nothing, or its attempt is over")
        return admission


async def _body(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(413, "request_too_large", f"a request may be {MAX_BODY_BYTES} bytes long") from error


async def _read(request: web.Request) -> Asked:
    body = await _body(request)
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "invalid_request_error", "the request is not valid JSON") from error
    return Asked(request, body, _model(asked))


def _model(asked: Any) -> str:
    model = asked.get("model") if isinstance(asked, dict) else None
    if not isinstance(model, str) or not model:
        raise Refused(400, "invalid_request_error", "the request is not an object that names a model")
    return model


@web.middleware
async def _in_api_shape(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return refused.response()
