"""`onequeue` as a person runs it: processes between a simulated Slack and Claude."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim

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
