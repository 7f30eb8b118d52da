"""What runs on this machine now."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def command_lines() -> list[str]:
    """The command line of every process that has not ended."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found.append(
                    Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                )
            except OSError:
                continue
    return found


def running(words: str) -> int:
    """How many processes run a command line that begins so."""
    return sum(line.startswith(words) for line in command_lines())


def end(words: str) -> None:
    """Ends every process that runs a command line that begins so."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                line = Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ")
                if line.startswith(words.encode()):
                    os.kill(int(entry.name), signal.SIGKILL)


async def until(condition: Callable[[], bool]) -> None:
    """Returns once that is so; looks again as often as the loop has nothing better to do."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.to_thread(os.sched_yield)
