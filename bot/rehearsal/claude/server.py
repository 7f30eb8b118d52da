"""The HTTP side of the simulated Messages API."""

from typing import Any

from aiohttp import web

from bot.rehearsal.claude import events, limits, models, validation
from bot.rehearsal.claude.failures import PROBLEMS, Failure
from bot.rehearsal.claude.problem import Problem, Refused, invalid
from bot.rehearsal.claude.reply import Reply, compose
from bot.rehearsal.claude.room import Room
from bot.rehearsal.claude.usage import segments, tokens
from bot.rehearsal.claude.visit import Visit

MAX_BODY_BYTES = 32 * 1024 * 1024
_NOT_MID_STREAM = {Failure.MID_OVERLOADED: PROBLEMS[Failure.OVERLOADED]}


class Server:
    """The handlers. One `web.Application` is made of them for each start."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def application(self) -> web.Application:
        """The API as an application."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/v1/messages", self.messages),
                web.post("/v1/messages/count_tokens", self.count_tokens),
                web.get("/v1/models", self.list_models),
                web.get("/v1/models/{id}", self.show_model),
            ]
        )
        return app

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """`POST /v1/messages`: key, then fields, then any failure asked for, then the answer."""
        visit = self._room.arrive(_key(request))
        try:
            self._check_headers(request)
            body = validation.parse(await _read(request))
            visit.asked_model = str(body.get("model", ""))
            body = self._room.threads.resume(body, request.headers.get("anthropic-beta", ""))
            paused = self._room.threads.paused
            validation.check_message_request(body, self._room.models, paused, beta=_is_beta(request))
        except Refused as refused:
            return self._refuse(visit, refused.problem)
        visit.body = body
        visit.failure = self._room.armoury.take(visit.body["model"])
        problem = visit.failure.problem() if visit.failure else None
        if problem is None and not visit.body.get("stream") and visit.kind in _NOT_MID_STREAM:
            problem = _NOT_MID_STREAM[visit.kind]
        if problem is not None:
            return self._refuse(visit, problem)
        return await self._answer(request, visit)

    async def count_tokens(self, request: web.Request) -> web.Response:
        """`POST /v1/messages/count_tokens`."""
        try:
            self._check_headers(request)
            body = validation.parse(await _read(request))
            validation.check_count_request(body, self._room.models, beta=_is_beta(request))
        except Refused as refused:
            return _error(refused.problem, "req_sim_count", {})
        return web.json_response({"input_tokens": tokens(segments(body)[-1].end)})

    async def list_models(self, request: web.Request) -> web.Response:
        """`GET /v1/models`: all of them on one page."""
        try:
            self._check_headers(request)
        except Refused as refused:
            return _error(refused.problem, "req_sim_models", {})
        data = [models.describe(model) for model in self._room.models]
        page = {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
        return web.json_response(page)

    async def show_model(self, request: web.Request) -> web.Response:
        """`GET /v1/models/{id}`."""
        wanted = request.match_info["id"]
        try:
            self._check_headers(request)
            validation.check_model(wanted, self._room.models)
        except Refused as refused:
            return _error(refused.problem, "req_sim_models", {})
        return web.json_response(models.describe(wanted))

    def _check_headers(self, request: web.Request) -> None:
        key = _key(request)
        if key is None:
            raise Refused(Problem(401, "authentication_error", "an x-api-key header is required"))
        if key != self._room.key:
            raise Refused(Problem(401, "authentication_error", "invalid x-api-key"))
        if not request.headers.get("anthropic-version"):
            raise invalid("anthropic-version: header is required")

    def _headers(self, visit: Visit) -> dict[str, str]:
        return {"request-id": visit.request_id, **limits.headers(self._room.served, visit.at)}

    def _refuse(self, visit: Visit, problem: Problem) -> web.Response:
        visit.status = problem.status
        self._room.keep(visit, finished=True)
        return _error(problem, visit.request_id, self._headers(visit))

    async def _answer(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        try:
            if visit.kind is Failure.HANG:
                return await self._never(request)
            step = self._room.next_step(visit.body)
            counted = self._room.cache.count(segments(visit.body), visit.at)
            visit.reply = reply = compose(step, visit.body, counted, visit.message_id, visit.kind)
            if visit.body.get("stream"):
                return await self._stream(request, visit, reply)
            return await self._whole(request, visit, reply)
        finally:
            self._room.keep(visit, finished=False)

    async def _whole(self, request: web.Request, visit: Visit, reply: Reply) -> web.StreamResponse:
        await self._room.pass_gate()
        if visit.kind is Failure.STALLED:
            return await self._never(request)
        if visit.kind is Failure.MID_DROP:
            return _hang_up(request)
        await self._room.breathe(visit.body["model"], visit.failure)
        visit.status = 200
        self._room.keep(visit, finished=True)
        return web.json_response(reply.as_message(), headers=self._headers(visit))

    async def _stream(self, request: web.Request, visit: Visit, reply: Reply) -> web.StreamResponse:
        headers = {**self._headers(visit), "content-type": "text/event-stream; charset=utf-8"}
        response = web.StreamResponse(headers={**headers, "cache-control": "no-cache"})
        visit.status = 200
        await response.prepare(request)
        all_events = events.stream(reply)
        middle = events.middle(all_events)
        for place, event in enumerate(all_events):
            if place == middle:
                await self._room.pass_gate()
                broken = await self._break(request, response, visit, event)
                if broken is not None:
                    return broken
            if event.name == "message_stop":
                self._room.keep(visit, finished=True)
            visit.sent.append(event)
            await response.write(event.frame())
            if event.size:
                await self._room.breathe(visit.body["model"], visit.failure)
        return response

    async def _break(
        self, request: web.Request, response: web.StreamResponse, visit: Visit, event: events.Event
    ) -> web.StreamResponse | None:
        match visit.kind:
            case Failure.MID_OVERLOADED:
                error = PROBLEMS[Failure.OVERLOADED].body(visit.request_id)
                self._room.keep(visit, finished=False)
                await response.write(events.Event(error).frame())
                return response
            case Failure.MID_DROP:
                frame = event.frame()
                self._room.keep(visit, finished=False)
                await response.write(frame[: len(frame) // 2])
                return _hang_up(request, response)
            case Failure.STALLED:
                return await self._never(request, response)
        return None

    async def _never(
        self, request: web.Request, response: web.StreamResponse | None = None
    ) -> web.StreamResponse:
        await self._room.closing.wait()
        return _hang_up(request, response)


def _key(request: web.Request) -> str | None:
    """The key, from `x-api-key` or as a bearer token: the Python client sends the latter since 2.x."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (bearer if scheme.lower() == "bearer" else None)


async def _read(request: web.Request) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused(PROBLEMS[Failure.TOO_LARGE]) from error


def _is_beta(request: web.Request) -> bool:
    return request.query.get("beta") == "true" or "anthropic-beta" in request.headers


def _error(problem: Problem, request_id: str, headers: dict[str, str]) -> web.Response:
    both: dict[str, Any] = {"request-id": request_id, **headers, **problem.headers}
    if problem.page is not None:
        return web.Response(status=problem.status, text=problem.page, content_type="text/html", headers=both)
    return web.json_response(problem.body(request_id), status=problem.status, headers=both)


def _hang_up(request: web.Request, response: web.StreamResponse | None = None) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.close()
    return response if response is not None else web.Response(status=500)
