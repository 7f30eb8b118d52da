"""One request on its way through the gateway: sent on, streamed back, metered, booked."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from dispatch.faults import NETWORK_ERROR, retry_after
from dispatch.gateway.account import Account
from dispatch.gateway.meter import Frames, Meter
from dispatch.gateway.problem import Refused
from dispatch.gateway.upstream import Sending, Upstream, passed_back
from dispatch.ports import Heard

NO_ANSWER = "sent, but no answer came"
NO_USAGE = "answered, but without its usage"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a session asks for. `model` is as the session named it."""

    request: web.Request
    body: bytes
    model: str


class Passage:
    """One priced request. `run` is never cancelled: `cut` ends it early, and it is booked all the same."""

    def __init__(self, asked: Asked, upstream: Upstream, account: Account, heard: Heard) -> None:
        self._asked = asked
        self._upstream = upstream
        self._account = account
        self._heard = heard
        self._meter = Meter()
        self._sending = Sending()
        self._status: int | None = None
        self._request_id = ""
        self._response: web.StreamResponse | None = None
        self._exchanging: asyncio.Task[web.StreamResponse] | None = None
        self._line = 0
        self._is_cut = False

    def cut(self) -> None:
        """Ends the exchange at once, on both sides."""
        self._is_cut = True
        if self._exchanging is not None:
            self._exchanging.cancel()

    async def run(self) -> web.StreamResponse:
        """The answer to give, once all of it is booked. Raises Refused, LeaseLost, StoreError."""
        self._line = await self._account.open(self._asked.model)
        try:
            return await self._cuttable()
        finally:
            await self._book()

    async def _cuttable(self) -> web.StreamResponse:
        if self._is_cut:
            return _hang_up(self._asked.request, None)
        self._exchanging = asyncio.create_task(self._exchange())
        await asyncio.wait({self._exchanging})
        if self._exchanging.cancelled():
            return _hang_up(self._asked.request, self._response)
        return self._exchanging.result()

    async def _exchange(self) -> web.StreamResponse:
        try:
            async with _sent_on(self._asked, self._upstream, self._sending) as answer:
                self._status = answer.status
                self._request_id = answer.headers.get("request-id", "")
                self._heard.retry_after = retry_after(answer.headers.get("retry-after"))
                if answer.status == 200 and answer.content_type == "text/event-stream":
                    return await self._stream(answer)
                response = await whole(answer)
                if answer.status == 200:
                    self._meter.read_message(response.body if isinstance(response.body, bytes) else b"")
                return response
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            return await self._end_with(trouble(error))

    async def _stream(self, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        response = web.StreamResponse(headers=passed_back(answer.headers))
        self._response = response
        await response.prepare(self._asked.request)
        frames = Frames()
        async for chunk in answer.content.iter_any():
            whole_frames = frames.take(chunk)
            for frame in whole_frames:
                self._meter.read_event(frame)
            await response.write(b"".join(whole_frames))
            if over_limit := await self._over_limit():
                return await self._end_with(over_limit)
        await response.write(frames.rest)
        return response

    async def _over_limit(self) -> Refused | None:
        if not self._meter.began or self._meter.complete:
            return None
        refused = self._account.note(self._line, self._model, self._meter.usage)
        if refused is None:
            await self._account.keep(self._line, self._model, self._request_id, self._meter.usage)
        return refused

    async def _end_with(self, refused: Refused) -> web.StreamResponse:
        if self._response is None:
            return refused.response()
        with suppress(ConnectionError):
            await self._response.write(refused.event())
        return self._response

    @property
    def _model(self) -> str:
        return self._meter.model or self._asked.model

    async def _book(self) -> None:
        line, model, request_id = self._line, self._model, self._request_id
        meter = self._meter
        if meter.began:
            await self._account.book(line, model, request_id, meter.usage, estimated=not meter.complete)
        elif not self._sending.sent or meter.refused or self._status not in (None, 200):
            await self._account.drop(line)
        else:
            reason = NO_ANSWER if self._status is None else NO_USAGE
            await self._account.book_unknown(line, model, request_id, reason)


async def pass_through(asked: Asked, upstream: Upstream) -> web.Response:
    """A request that costs nothing, with its answer in one piece."""
    try:
        async with _sent_on(asked, upstream, Sending()) as answer:
            return await whole(answer)
    except (aiohttp.ClientError, TimeoutError) as error:
        return trouble(error).response()


async def whole(answer: aiohttp.ClientResponse) -> web.Response:
    """An answer passed back in one piece. Raises aiohttp.ClientError, TimeoutError."""
    if 300 <= answer.status < 400:
        lost = f"the API's address answered with a redirect ({answer.status}): check its base URL"
        return Refused(502, NETWORK_ERROR, lost).response()
    body = await answer.read()
    return web.Response(status=answer.status, body=body, headers=passed_back(answer.headers))


def trouble(error: Exception) -> Refused:
    """What to tell a session when the API was not reached, or fell silent, or hung up."""
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Refused(502, NETWORK_ERROR, f"the API could not be reached ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return Refused(504, "timeout_error", "the API fell silent")
    return Refused(502, NETWORK_ERROR, f"the connection to the API broke ({type(error).__name__})")


def _sent_on(
    asked: Asked, upstream: Upstream, sending: Sending
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    request = asked.request
    return upstream.post(request.path, request.headers, request.query, asked.body, sending)


def _hang_up(request: web.Request, response: web.StreamResponse | None) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response(status=403)
