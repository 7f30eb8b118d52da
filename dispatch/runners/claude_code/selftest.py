"""One tiny session against a stub on loopback: what this very program does when we call it. It is free."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from dispatch.errors import Unreachable
from dispatch.means import Means, Profile, RunnerName
from dispatch.ports import Access, Session
from dispatch.task import Outcome, Verdict

MODEL = "claude-haiku-5-5"
WORDS = "/status is a word here, and so is @/etc/hostname"
_PROOF = "self-test-4711"
_COMMAND = "printf '%s-%s' self-test 4711"
_KEY = "self-test"
_LONGEST = timedelta(seconds=60)
_log = logging.getLogger(__name__)

Run = Callable[[Session], Awaitable[Outcome]]


class SelfTest:
    """Proves each program once: that it starts as asked, takes words as words, and runs a command."""

    def __init__(self) -> None:
        self._proven: set[tuple[Path, int, int]] = set()
        self._testing = asyncio.Lock()

    async def prove(self, program: Path, run: Run) -> None:
        """Returns once a session of it has done all that. Raises Unreachable, TimeoutError."""
        version = _version(program)
        if version in self._proven:
            return
        async with self._testing:
            if version in self._proven:
                return
            async with _stub() as stub:
                outcome = await asyncio.wait_for(run(_session(stub.url)), _LONGEST.total_seconds())
            if wrong := _wrong(outcome, stub):
                _log.error("the self-test of %s failed: %s", program, wrong)
                raise Unreachable(f"its self-test failed: {wrong}")
            self._proven.add(version)
            _log.info("the self-test of %s passed", program)


@dataclass
class _Stub:
    """A Messages API that asks for one command and then ends. `asked` holds what it was sent."""

    url: str = ""
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """The next answer, as a stream."""
        self.asked.append(await request.json())
        command = {"command": _COMMAND, "description": "self-test"}
        first = len(self.asked) == 1
        block = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}} if first else _TEXT
        delta = (
            {"type": "input_json_delta", "partial_json": json.dumps(command)}
            if first
            else {"type": "text_delta", "text": "ok"}
        )
        events = _events(f"msg_{len(self.asked)}", block, delta, "tool_use" if first else "end_turn")
        return web.Response(body=events, content_type="text/event-stream")


_TEXT: Mapping[str, Any] = {"type": "text", "text": ""}


def _events(message_id: str, block: Mapping[str, Any], delta: Mapping[str, Any], reason: str) -> bytes:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message: Mapping[str, Any] = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    events: list[Mapping[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


@asynccontextmanager
async def _stub() -> AsyncIterator[_Stub]:
    stub, app = _Stub(), web.Application(client_max_size=32 * 1024 * 1024)
    app.add_routes([web.post("/v1/messages", stub.answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()


def _version(program: Path) -> tuple[Path, int, int]:
    found = program.stat()
    return program, found.st_size, found.st_mtime_ns


def _session(url: str) -> Session:
    return Session(
        task_id=0,
        attempt=0,
        model=MODEL,
        effort="low",
        max_output_tokens=1_000,
        wall_clock=_LONGEST,
        prompt=WORDS,
        access=Access(url, _KEY, ()),
        means=Means(RunnerName.CLAUDE_CODE, Profile.FULL),
    )


def _wrong(outcome: Outcome, stub: _Stub) -> str:
    if outcome.verdict is not Verdict.ANSWERED:
        return outcome.fault.detail if outcome.fault else "it did not end"
    if WORDS not in json.dumps(stub.asked[0]["messages"]):
        return "it did not take its prompt word for word"
    if _PROOF not in json.dumps(stub.asked[-1]["messages"]):
        return "it did not run a command that it was allowed to run"
    return ""
