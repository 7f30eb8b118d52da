"""A stand-in for the rehearsal behind the page: canned answers, and a record of what was asked."""

import asyncio
import copy
import json
from typing import Any

from aiohttp import web

from bot.rehearsal.page import page_routes
from tests.browser.workspace import ANA, BOT, Json, workspace

EXAMPLES = [
    {"label": "Ask for something hard", "text": "/task p3 investigate stall"},
    {"label": "Ask for something small", "text": "/task p9 what is a dead letter queue?"},
    {"label": "See the queue", "text": "/task list"},
]


class FakeRehearsal:
    """Serves the page. Change `state`, then `await change()`; `asked` holds (path, body) of each POST."""

    def __init__(self) -> None:
        self.state = workspace()
        self.claude: Json = {"failures": [], "kinds": ["overloaded", "rate_limit"], "served": []}
        self.answers: dict[str, Json] = {}
        self.refusals: dict[str, str] = {}
        self.asked: list[tuple[str, Json]] = []
        self._news = asyncio.Condition()
        self._closing = False
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                *page_routes(),
                web.get("/_try/about", self._about),
                web.get("/_sim/state", self._state),
                web.get("/_sim/events", self._events),
                web.get("/_sim/files/F1", self._file),
                web.get("/_claude/state", self._claude),
                web.post("/{path:.+}", self._post),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        self._closing = True
        await self.change()
        if self._runner is not None:
            await self._runner.cleanup()

    async def change(self) -> None:
        """Says that the state changed."""
        async with self._news:
            self.state["version"] += 1
            self._news.notify_all()

    async def say(self, channel: str, *messages: Json) -> None:
        """Messages arrive."""
        self.state["messages"][channel] += messages
        await self.change()

    async def asked_for(self, path: str) -> Json:
        """The body of the first POST to that path, once there is one."""
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: any(asked == path for asked, _ in self.asked))
        return next(body for asked, body in self.asked if asked == path)

    async def _about(self, _: web.Request) -> web.Response:
        banner = "Simulated Slack, simulated Claude. Nothing leaves this machine."
        about = {"banner": banner, "real_claude": False, "examples": EXAMPLES, "zone": "Europe/Berlin"}
        return web.json_response(about)

    async def _state(self, request: web.Request) -> web.Response:
        me = request.query.get("as", ANA)
        seen = copy.deepcopy(self.state)
        private = {c["id"] for c in seen["channels"] if c["kind"] != "channel" and me not in c["members"]}
        seen["channels"] = [c for c in seen["channels"] if c["id"] not in private]
        seen["messages"] = {
            channel: [m for m in messages if m["ephemeral_to"] in (None, me)]
            for channel, messages in seen["messages"].items()
            if channel not in private
        }
        return web.json_response({**seen, "me": me})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        told = 0
        while not self._closing:
            told = self.state["version"]
            line = f"event: change\ndata: {json.dumps({'version': told})}\n\n"
            try:
                await stream.write(line.encode())
            except ConnectionError:
                break
            await self._after(told)
        return stream

    async def _after(self, told: int) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self.state["version"] != told)

    async def _file(self, _: web.Request) -> web.Response:
        return web.Response(text="# Words in a file\n", content_type="text/markdown")

    async def _claude(self, _: web.Request) -> web.Response:
        return web.json_response(self.claude)

    async def _post(self, request: web.Request) -> web.Response:
        body: Any = await request.json()
        async with self._news:
            self.asked.append((request.path, body))
            self._news.notify_all()
        if request.path in self.refusals:
            return web.json_response({"error": self.refusals[request.path]}, status=400)
        if request.path == "/_claude/fail":
            self.claude["failures"].append(body)
        if request.path == "/_sim/dm":
            await self._open_dm(body["as"])
        return web.json_response(self.answers.get(request.path, {"channel": f"D{body.get('as', '')[1:]}"}))

    async def _open_dm(self, person: str) -> None:
        channel = f"D{person[1:]}"
        dm = {"id": channel, "name": "directmessage", "kind": "dm", "user": person, "members": [person, BOT]}
        self.state["channels"].append({**dm, "archived": False, "topic": ""})
        self.state["messages"][channel] = []
        await self.change()
