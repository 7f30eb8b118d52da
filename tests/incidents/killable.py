"""`onequeue run`, killed at a step: one life for each line on standard input, in a process of its own.

A line is a JSON object: `folder` to run in, `env` to run with, and `order`, what to do at its steps, counted
from its start. On SIGUSR1 they are counted anew, under the order in the file `order` of the folder. An order
is null to do nothing, "tell" to tell every step, or a list of side, kind, name and number: at the step of
that name which has that number the life ends by SIGKILL. A step is either side of a statement of the
connection that writes, a request, an answer or a piece of one, a frame from Slack or to it.

Standard output carries what the life logs and, on lines that begin with `@`, what happens to it.
"""

import gc
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, Final

import aiohttp
import aiosqlite

from bot import cli
from bot.__main__ import Root
from dispatch.store.statements import statements

TELL: Final = "tell"
ORDERS: Final = "order"


class Steps:
    """Counts the steps of this process by name, and ends it where the order says."""

    def __init__(self, order: Any) -> None:
        self._order = order
        self._taken: Counter[tuple[str, ...]] = Counter()

    def begin(self, _signal: int, _frame: FrameType | None) -> None:
        """Counts anew, under a new order."""
        self._order, self._taken = json.loads(Path(ORDERS).read_text("utf-8")), Counter()
        tell("armed")

    def take(self, *step: str) -> None:
        """One step: its side, kind and name."""
        self._taken[step] += 1
        if self._order == TELL:
            tell("step", *step)
        elif self._order == [*step, self._taken[step]]:
            tell("killed", *step)
            os.kill(os.getpid(), signal.SIGKILL)


def tell(*words: str) -> None:
    """Says something about this process, at once and in one piece."""
    os.write(1, ("@" + "\t".join(words) + "\n").encode())


def watch_writer(steps: Steps) -> None:
    """Steps around each statement of the connection that writes."""
    names = {text: name for name, text in statements().items()}
    plain_connect = aiosqlite.connect

    def connect(database: str, **options: Any) -> aiosqlite.Connection:
        connection = plain_connect(database, **options)
        if not options["uri"]:
            _watch_statements(connection, names, steps)
        return connection

    aiosqlite.connect = connect  # type: ignore[assignment]


def _watch_statements(connection: aiosqlite.Connection, names: Mapping[str, str], steps: Steps) -> None:
    plain = connection.execute_fetchall
    newest = ""

    async def execute_fetchall(sql: str, parameters: Any = None) -> Any:
        nonlocal newest
        step = ("commit", f"after {newest}") if sql == "COMMIT" else ("statement", names.get(sql, sql))
        newest = step[1]
        steps.take("before", *step)
        rows = await plain(sql, parameters)
        steps.take("after", *step)
        return rows

    connection.execute_fetchall = execute_fetchall  # type: ignore[assignment, method-assign]


def watch_requests(steps: Steps) -> None:
    """Steps around each request of aiohttp's clients and after each piece of an answer or a body."""
    watch = aiohttp.TraceConfig()

    async def leaves(
        _session: object, _context: SimpleNamespace, given: aiohttp.TraceRequestStartParams
    ) -> None:
        steps.take("before", "request", _path(given.url.path))

    async def left(
        _session: object, _context: SimpleNamespace, given: aiohttp.TraceRequestHeadersSentParams
    ) -> None:
        steps.take("after", "request", _path(given.url.path))

    async def answered(
        _session: object, _context: SimpleNamespace, given: aiohttp.TraceRequestEndParams
    ) -> None:
        steps.take("after", "answer", _path(given.url.path))

    watch.on_request_start.append(leaves)
    watch.on_request_headers_sent.append(left)
    watch.on_request_end.append(answered)
    plain_init = aiohttp.ClientSession.__init__
    plain_readany = aiohttp.StreamReader.readany

    def init(self: aiohttp.ClientSession, *args: Any, **options: Any) -> None:
        plain_init(
            self, *args, **{**options, "trace_configs": [*(options.get("trace_configs") or ()), watch]}
        )

    async def readany(self: aiohttp.StreamReader) -> bytes:
        piece = await plain_readany(self)
        if piece:
            steps.take("after", "piece", "read")
        return piece

    aiohttp.ClientSession.__init__ = init  # type: ignore[method-assign]
    aiohttp.StreamReader.readany = readany  # type: ignore[method-assign]


def _path(path: str) -> str:
    return re.sub(r"/(link|upload)/.*", r"/\1", path).removeprefix("/api/")


def watch_frames(steps: Steps) -> None:
    """Steps after each frame from Slack and around each frame to it."""
    plain_receive = aiohttp.ClientWebSocketResponse.receive
    plain_send = aiohttp.ClientWebSocketResponse.send_str

    async def receive(self: aiohttp.ClientWebSocketResponse, *args: Any, **options: Any) -> aiohttp.WSMessage:
        frame = await plain_receive(self, *args, **options)
        if frame.type is aiohttp.WSMsgType.TEXT:
            steps.take("after", "frame in", str(json.loads(frame.data).get("type")))
        return frame

    async def send_str(self: aiohttp.ClientWebSocketResponse, *args: Any, **options: Any) -> None:
        steps.take("before", "frame out", "acknowledgement")
        await plain_send(self, *args, **options)
        steps.take("after", "frame out", "acknowledgement")

    aiohttp.ClientWebSocketResponse.receive = receive  # type: ignore[assignment, method-assign]
    aiohttp.ClientWebSocketResponse.send_str = send_str  # type: ignore[assignment, method-assign]


def live(folder: str, env: Mapping[str, str], order: Any) -> int:
    """One life of `onequeue run`; its exit status."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    os.dup2(1, 2)
    steps = Steps(order)
    signal.signal(signal.SIGUSR1, steps.begin)
    watch_writer(steps)
    watch_requests(steps)
    watch_frames(steps)
    return cli.main(["run"], Root())


def main() -> None:
    """Lives one after the other, until standard input ends. What they import is loaded once."""
    import_module("dispatch.runners.messages")
    gc.freeze()
    tell("loaded")
    for line in sys.stdin:
        life = json.loads(line)
        number = os.fork()
        if number == 0:
            os._exit(live(**life))
        tell("born", str(number))
        _, status = os.waitpid(number, 0)
        tell("dead", str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
