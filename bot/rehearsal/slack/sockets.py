"""The websocket end of Socket Mode: tickets, hello, at most ten sockets, disconnects on request."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, get_args

from aiohttp import WSMsgType, web

from bot.rehearsal.slack.delivery import Delivery
from bot.rehearsal.slack.state import Json, State
from bot.rehearsal.slack.webapi.method import Refusal

MOST_SOCKETS = 10
TICKET_LIFE = timedelta(seconds=30)
GRACE_SECONDS = 10.0
CONNECTION_SECONDS = 3600

SocketAction = Literal[
    "warning", "refresh_requested", "link_disabled", "drop", "drop_one", "fail_open", "spend_ticket"
]


class Sockets:
    """Open websockets of the app, oldest first."""

    def __init__(self, state: State, delivery: Delivery, now: Callable[[], datetime]) -> None:
        self._state = state
        self._delivery = delivery
        self._now = now
        self._tickets: dict[str, datetime] = {}
        self._open: dict[web.WebSocketResponse, web.Request] = {}
        self._closing: set[asyncio.Task[bool]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._fail_opens = 0
        self._spend_tickets = 0
        self.base_url = ""

    def ticket(self) -> str:
        """A websocket URL good for one connection within 30 seconds."""
        if self._fail_opens:
            self._fail_opens -= 1
            raise Refusal("internal_error")
        ticket = secrets.token_hex(12)
        if self._spend_tickets:
            self._spend_tickets -= 1
        else:
            self._tickets[ticket] = self._now() + TICKET_LIFE
        host = self.base_url.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self._state.app_id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        expires = self._tickets.pop(request.query.get("ticket", ""), None)
        if expires is None or self._now() > expires:
            return web.Response(status=408, text="ticket spent or expired")
        line = web.WebSocketResponse(heartbeat=30)
        await line.prepare(request)
        if len(self._open) >= MOST_SOCKETS:
            await line.send_json(_disconnect("too_many_websockets"))
            await line.close()
            return line
        self._open[line] = request
        try:
            await self._serve(line)
        finally:
            self._open.pop(line, None)
            self._delivery.leave(line)
        return line

    async def _serve(self, line: web.WebSocketResponse) -> None:
        await line.send_json(
            {
                "type": "hello",
                "num_connections": len(self._open),
                "debug_info": {
                    "host": "applink-rehearsal",
                    "build_number": 1,
                    "approximate_connection_time": CONNECTION_SECONDS,
                },
                "connection_info": {"app_id": self._state.app_id},
            }
        )
        self._delivery.join(line)
        async for frame in line:
            if frame.type is WSMsgType.TEXT:
                self._acknowledge(frame.json())

    def _acknowledge(self, frame: object) -> None:
        if isinstance(frame, dict) and isinstance(frame.get("envelope_id"), str):
            payload = frame.get("payload")
            self._delivery.acknowledge(frame["envelope_id"], payload if isinstance(payload, dict) else None)

    async def do(self, action: SocketAction) -> None:
        """A disconnect goes to the oldest socket; `drop` cuts all, `drop_one` the oldest, without a word.

        `fail_open` makes the next apps.connections.open fail, `spend_ticket` makes its URL useless.
        Raises ValueError for anything else.
        """
        oldest = next(iter(self._open), None)
        match action:
            case "fail_open":
                self._fail_opens += 1
            case "spend_ticket":
                self._spend_tickets += 1
            case "drop":
                for line in list(self._open):
                    self._cut(line)
            case "drop_one":
                if oldest is not None:
                    self._cut(oldest)
            case "warning" | "refresh_requested" | "link_disabled":
                if oldest is not None:
                    await oldest.send_json(_disconnect(action))
                    self._close_later(oldest)
            case _:
                raise ValueError(f"do is one of {', '.join(get_args(SocketAction))}")

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for task in self._closing:
            task.cancel()
        for line in list(self._open):
            await line.close(code=1001)

    def _cut(self, line: web.WebSocketResponse) -> None:
        self._delivery.leave(line)
        request = self._open.pop(line)
        if request.transport is not None:
            request.transport.abort()

    def _close_later(self, line: web.WebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(GRACE_SECONDS, self._shut, line))

    def _shut(self, line: web.WebSocketResponse) -> None:
        task: asyncio.Task[bool] = asyncio.get_running_loop().create_task(line.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-rehearsal"}}
