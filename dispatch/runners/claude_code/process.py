"""A session's process: what it is told, what it tells, and that nothing of it is left at the end."""

import asyncio
import json
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dispatch.runners.claude_code.command import MARK, interruption

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes. An event that is longer ends the session."""

KEPT_STDERR = 16_384
"""Bytes of the end of the process's own words that are kept."""

_TO_STOP, _TO_EXIT, _TO_TERMINATE = 5.0, 10.0, 5.0
_ROUNDS = 200


class Process:
    """A program in a session of its own, with all of its output read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self._process = process
        self._mark = mark
        self._said: deque[bytes] = deque()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> "Process":
        """Starts it with exactly that environment. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        return cls(process, environment[MARK])

    @property
    def exit_code(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return self._process.returncode

    @property
    def stderr(self) -> str:
        """The end of what it said itself."""
        return b"".join(self._said)[-KEPT_STDERR:].decode("utf-8", "replace")

    async def tell(self, message: Mapping[str, object]) -> None:
        """Sends it a message. One that can no longer be sent is dropped: how it ended tells why."""
        if self._process.stdin is None or self._process.stdin.is_closing():
            return
        with suppress(ConnectionError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()

    def hang_up(self) -> None:
        """Tells it that nothing more will come."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def lines(self) -> AsyncIterator[bytes]:
        """What it tells, line by line. Ends early at a line that is too long."""
        if self._process.stdout is None:
            return
        with suppress(ValueError):
            while line := await self._process.stdout.readline():
                yield line

    async def end(self) -> None:
        """Returns when it and all that it started are gone: it may exit, is told to, is made to."""
        self.hang_up()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _TO_EXIT)
        await self.kill()

    async def kill(self) -> None:
        """Returns when it and all that it started are gone."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _TO_TERMINATE)
        self._signal(signal.SIGKILL)
        await asyncio.to_thread(kill_marked, self._mark)
        await self._process.wait()
        self._listening.cancel()
        await asyncio.wait({self._listening})

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _listen(self) -> None:
        if self._process.stderr is None:
            return
        while chunk := await self._process.stderr.read(KEPT_STDERR):
            self._said.append(chunk)
            while sum(map(len, self._said)) - len(self._said[0]) > KEPT_STDERR:
                self._said.popleft()


async def stop(process: Process, reading: "asyncio.Task[None]") -> None:
    """Lets a session say what it came to so far; what it does not say in time it does not say."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_TO_STOP):
            await process.tell(interruption())
            await asyncio.wait({reading})


async def uninterrupted(work: Awaitable[None]) -> None:
    """Finishes the work whatever happens, and passes a cancellation on afterwards."""
    working, cancelled = asyncio.ensure_future(work), False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
    working.result()
    if cancelled:
        raise asyncio.CancelledError


def event(line: bytes) -> Mapping[str, Any]:
    """The event in a line; an empty one for a line that is none."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def kill_marked(mark: str) -> None:
    """Ends every process that carries the mark, or one of a folder in it, whatever it calls itself."""
    for _ in range(_ROUNDS):
        found = [number for number in _processes() if _is_marked(number, mark)]
        if not found:
            return
        for number in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)


def _processes() -> list[int]:
    own = str(os.getpid())
    try:
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and one.name != own]
    except OSError:
        return []


def _is_marked(number: int, mark: str) -> bool:
    try:
        variables = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    wanted = f"{MARK}={mark}".encode()
    return any(variable == wanted or variable.startswith(wanted + b"/") for variable in variables)
