"""The control API under /_sim: the page and curl act as people here and order failures."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.rehearsal.slack.faults import Fault, Faults
from bot.rehearsal.slack.forms import Forms
from bot.rehearsal.slack.people import CannotDo, People
from bot.rehearsal.slack.snapshot import snapshot
from bot.rehearsal.slack.sockets import Sockets
from bot.rehearsal.slack.state import Json
from bot.rehearsal.slack.transfer import served
from bot.rehearsal.slack.workspace import Workspace

HEARTBEAT_SECONDS = 15.0

Action = Callable[[Json], Awaitable[Json]]


class Control:
    """Every POST takes and returns a JSON object; what cannot be done is 400 with what to do."""

    def __init__(
        self,
        workspace: Workspace,
        people: People,
        forms: Forms,
        faults: Faults,
        sockets: Sockets,
        closing: asyncio.Event,
    ) -> None:
        self._workspace = workspace
        self._people = people
        self._forms = forms
        self._faults = faults
        self._sockets = sockets
        self._closing = closing

    def routes(self) -> list[web.RouteDef]:
        actions: dict[str, Action] = {
            "say": self._say,
            "slash": self._slash,
            "click": self._click,
            "react": self._react,
            "edit": self._edit,
            "home": self._home,
            "dm": self._dm,
            "stop": self._stop,
            "press": self._press,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "fault": self._fault,
            "socket": self._socket,
        }
        return [
            web.get("/_sim/state", self.state),
            web.get("/_sim/events", self.events),
            web.get("/_sim/files/{id}", self.file),
            *(web.post(f"/_sim/{name}", _posted(action)) for name, action in actions.items()),
        ]

    async def state(self, request: web.Request) -> web.Response:
        try:
            me = self._people.person(request.query.get("as", "ana"))
        except CannotDo as cannot:
            return _bad(str(cannot))
        return web.json_response(snapshot(self._workspace, me), headers={"Cache-Control": "no-store"})

    async def file(self, request: web.Request) -> web.Response:
        file = self._workspace.state.files.get(request.match_info["id"])
        if file is None or file.content is None:
            return web.json_response({"error": "There is no such file."}, status=404)
        return served(file)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: one `change` for any number of changes since the last."""
        stream = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await stream.prepare(request)
        state = self._workspace.state
        told = -1
        while not self._closing.is_set():
            if state.version != told:
                told = state.version
                line = f"event: change\ndata: {json.dumps({'version': told})}\n\n"
            else:
                line = ": still here\n\n"
            try:
                await stream.write(line.encode())
            except ConnectionError:
                break
            await self._next_change(told)
        return stream

    async def _next_change(self, told: int) -> None:
        state = self._workspace.state
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await state.until(lambda now: now.version != told or self._closing.is_set())
        except TimeoutError:
            return

    async def _say(self, body: Json) -> Json:
        files = [(str(file["name"]), b64decode(file["data"])) for file in body.get("files") or ()]
        ts = self._people.say(body["as"], body["channel"], body["text"], body.get("thread_ts") or None, files)
        return {"ts": ts}

    async def _slash(self, body: Json) -> Json:
        command = body.get("command") or "/task"
        return {"text": await self._people.slash(body["as"], body["channel"], body["text"], command)}

    async def _click(self, body: Json) -> Json:
        where = (body["as"], body["channel"], body["ts"], body["action_id"])
        return {"text": await self._people.click(*where, body.get("value"), body.get("block_id"))}

    async def _react(self, body: Json) -> Json:
        self._people.react(body["as"], body["channel"], body["ts"], body["name"])
        return {}

    async def _edit(self, body: Json) -> Json:
        self._people.edit(body["as"], body["channel"], body["ts"], body["text"])
        return {}

    async def _home(self, body: Json) -> Json:
        return {"view": self._people.open_home(body["as"], body.get("tab") or "home")}

    async def _dm(self, body: Json) -> Json:
        return {"channel": self._people.open_dm(body["as"])}

    async def _stop(self, body: Json) -> Json:
        self._people.stop(body["as"], body["channel"], body["thread_ts"])
        return {}

    async def _press(self, body: Json) -> Json:
        """Uses a control of a view; `where` is home or modal."""
        press = self._forms.press_home if body["where"] == "home" else self._forms.press_modal
        return {"text": await press(body["as"], body["action_id"], body.get("value"), body.get("block_id"))}

    async def _submit(self, body: Json) -> Json:
        return await self._forms.submit(body["as"], body["values"])

    async def _close(self, body: Json) -> Json:
        await self._forms.close(body["as"], all_of_them=bool(body.get("all")))
        return {}

    async def _shortcut(self, body: Json) -> Json:
        """Uses a shortcut: of a message where `ts` names one, else a global one."""
        if "ts" not in body:
            return {"text": await self._forms.shortcut(body["as"], body["callback_id"])}
        where = (body["as"], body["channel"], body["ts"])
        return {"text": await self._forms.message_shortcut(*where, body["callback_id"])}

    async def _fault(self, body: Json) -> Json:
        fault = Fault(body["kind"], body.get("error") or "internal_error", int(body.get("retry_after") or 1))
        self._faults.add(body["method"], fault, int(body["times"]))
        return {}

    async def _socket(self, body: Json) -> Json:
        await self._sockets.do(body["do"])
        return {}


def _posted(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            body: Any = await request.json()
            if not isinstance(body, dict):
                return _bad("Send a JSON object.")
            return web.json_response(await action(body))
        except KeyError as missing:
            return _bad(f"Add the field {missing}.")
        except (CannotDo, ValueError) as cannot:
            return _bad(str(cannot))

    return handle


def _bad(why: str) -> web.Response:
    return web.json_response({"error": why}, status=400)
