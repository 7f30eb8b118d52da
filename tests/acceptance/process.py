"""`onequeue` as a person runs it: processes between a simulated Slack and Claude."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from dispatch.clock import SystemClock

READY_SECONDS = 30


def environment(folder: Path, slack: SlackSim, claude: ClaudeSim, **more: str) -> dict[str, str]:
    """Everything the bot needs, and nothing of the machine's own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "ONEQUEUE_DATABASE": str(folder / "onequeue.db"),
        "ONEQUEUE_DIGEST_CHANNEL": "COPS00001",
        "ONEQUEUE_TIMEZONE": "Europe/Berlin",
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "ANTHROPIC_API_KEY": claude.key,
        "ANTHROPIC_BASE_URL": claude.url,
        **more,
    }


async def onequeue(env: Mapping[str, str], *arguments: str, folder: Path) -> tuple[int, str, str]:
    """One command to its end: exit status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(READY_SECONDS):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def asked(env: Mapping[str, str], *arguments: str, folder: Path) -> Any:
    """The JSON that a command prints; it must succeed."""
    status, out, err = await onequeue(env, *arguments, "--json", folder=folder)
    assert status == 0, err
    return json.loads(out)


@asynccontextmanager
async def simulators(app: Mapping[str, Any] | None = None) -> AsyncIterator[tuple[SlackSim, ClaudeSim]]:
    """A Slack, with the bot's own app or that one, and a Claude that holds nothing back at the end."""
    slack, claude = SlackSim(app or manifest()), ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    try:
        yield slack, claude
    finally:
        claude.release()
        await slack.close()
        await claude.close()


class Bot:
    """`onequeue run`, or `worker`, as a process of its own."""

    def __init__(self, env: Mapping[str, str], folder: Path, command: str = "run") -> None:
        self._env = env
        self._folder = folder
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        """The number of its process."""
        assert self._process
        return self._process.pid

    async def start(self) -> None:
        """Returns when it says `ready`."""
        self._ready.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            self._command,
            cwd=self._folder,
            env=dict(self._env),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read(self._process))
        async with asyncio.timeout(READY_SECONDS):
            await asyncio.wait(
                {asyncio.create_task(self._ready.wait()), self._reader},
                return_when=asyncio.FIRST_COMPLETED,
            )
        assert self._ready.is_set(), "\n".join(self.lines)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        return await self._signal(signal.SIGTERM)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        await self._signal(signal.SIGKILL)

    async def _signal(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(READY_SECONDS):
            status = await self._process.wait()
        if self._reader:
            await self._reader
        return status

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        async for line in process.stdout:
            self.lines.append(line.decode().rstrip())
            if self.lines[-1].split()[-1:] == ["ready"]:
                self._ready.set()


@dataclass
class Scenery:
    """One bot between a Slack and a Claude, in a folder of its own."""

    slack: SlackSim
    claude: ClaudeSim
    bot: Bot
    env: dict[str, str]
    folder: Path

    async def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        return await asked(self.env, *arguments, folder=self.folder)


S = TypeVar("S", bound=Scenery)


@asynccontextmanager
async def scenery(kind: type[S], folder: Path) -> AsyncIterator[S]:
    """All of it but for the bot's start; its end is seen to."""
    async with simulators() as (slack, claude):
        env = environment(folder, slack, claude)
        scene = kind(slack, claude, Bot(env, folder), env, folder)
        try:
            yield scene
        finally:
            claude.release()
            await scene.bot.kill()
