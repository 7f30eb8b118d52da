"""Routes for the page that shows the simulator: what it served, and buttons to make it fail."""

import json
from typing import Any

from aiohttp import web

from bot.rehearsal.claude.failures import Failure
from bot.rehearsal.claude.served import Served
from bot.rehearsal.claude.sim import ClaudeSim

MAX_TIMES = 100


def control_routes(sim: ClaudeSim) -> list[web.RouteDef]:
    """`GET /_claude/state` and `POST /_claude/fail {kind, times}`, to mount on any application."""

    async def state(_request: web.Request) -> web.Response:
        return web.json_response(describe(sim))

    async def fail(request: web.Request) -> web.Response:
        try:
            kind, times = _wish(await request.read(), request.content_type)
        except ValueError as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)
        sim.fail(kind, times=times)
        return web.json_response({"ok": True, **describe(sim)})

    return [web.get("/_claude/state", state), web.post("/_claude/fail", fail)]


def describe(sim: ClaudeSim) -> dict[str, Any]:
    """The simulator's state: failures to come, kinds to choose from, requests served (oldest first)."""
    return {
        "failures": [{"kind": armed.kind.value, "times": armed.times} for armed in sim.pending_failures],
        "kinds": [kind.value for kind in Failure],
        "served": [_line(one) for one in sim.served],
    }


def _wish(raw: bytes, content_type: str) -> tuple[Failure, int]:
    if content_type != "application/json":
        raise ValueError("send JSON")
    asked = json.loads(raw)
    wish = asked if isinstance(asked, dict) else {}
    times = wish.get("times", 1)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= MAX_TIMES:
        raise ValueError(f"times must be a number from 1 to {MAX_TIMES}")
    return Failure(str(wish.get("kind"))), times


def _line(one: Served) -> dict[str, Any]:
    return {
        "n": one.n,
        "at": one.at.isoformat(),
        "request_id": one.request_id,
        "model": one.model or one.asked_model,
        "status": one.status,
        "stream": one.stream,
        "finished": one.finished,
        "failure": one.failure,
        "stop_reason": one.stop_reason,
        "input_tokens": one.input_tokens,
        "output_tokens": one.output_tokens,
        "cache_read_tokens": one.cache_read_tokens,
        "cache_write_tokens": one.cache_write_tokens,
    }
