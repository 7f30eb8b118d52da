"""A simulated Slack and Claude, and `onequeue run` between them in one life after another."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal

from bot.app import LINES
from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim
from dispatch.clock import SystemClock
from tests.acceptance.process import environment
from tests.incidents.killable import ORDERS

LOAD_SECONDS, NEWS_SECONDS, QUIET_SECONDS, LOOK_SECONDS = 300, 60, 60, 0.03
_ROOT = Path(__file__).parents[2]
_RESTLESS = """
SELECT (SELECT count(*) FROM task WHERE finished_at IS NULL)
    + (SELECT count(*) FROM delivery WHERE state IN ('due', 'sending'))
    + (SELECT count(*) FROM ledger WHERE booked_at IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a life, as `killable` tells it: `before` or `after` what, and its name."""

    side: str
    kind: str
    name: str


Order = tuple[Step, int] | Literal["tell"] | None
"""What a life does at its steps: ends at the one of that name and number, tells each, or nothing."""


def _written(order: Order) -> Any:
    return [*astuple(order[0]), order[1]] if isinstance(order, tuple) else order


class Lives:
    """One process of `onequeue run` after another, all born of one that has loaded what they need."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = dict(env)
        self._changed = asyncio.Condition()
        self._mother: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._number = 0
        self._loaded = self._armed = False
        self.ready = False
        self.dead = True
        self.killed: Step | None = None
        self.steps: list[Step] = []
        self.log: list[str] = []

    async def start(self) -> None:
        """Loads what a life needs."""
        self._mother = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.incidents.killable",
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read(self._mother))
        await self.until(lambda: self._loaded, LOAD_SECONDS)

    async def close(self) -> None:
        """Kills them all."""
        if self._mother is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._mother.pid, signal.SIGKILL)
            await self._mother.wait()
        if self._reading is not None:
            await self._reading

    async def begin(self, order: Order = None) -> bool:
        """A new life, under that order from its start; whether it got so far as to say `ready`."""
        assert self.dead, "one life at a time"
        assert self._mother is not None
        assert self._mother.stdin is not None
        self.ready, self.dead, self.killed, self.steps, self._number = False, False, None, [], 0
        life = {"folder": str(self._folder), "env": self._env, "order": _written(order)}
        self._mother.stdin.write(json.dumps(life).encode() + b"\n")
        await self.until(lambda: self.ready or self.dead)
        assert self.ready or self.killed, "\n".join(self.log[-40:])
        return self.ready

    async def arm(self, order: Order) -> None:
        """Puts this life under an order, its steps counted from now on, unless it has ended."""
        (self._folder / ORDERS).write_text(json.dumps(_written(order)), "utf-8")
        self._armed, self.steps = False, []
        with suppress(ProcessLookupError):
            os.kill(self._number, signal.SIGUSR1)
        await self.until(lambda: self._armed or self.dead)

    async def kill(self) -> None:
        """Ends this life from outside."""
        with suppress(ProcessLookupError):
            os.kill(self._number, signal.SIGKILL)
        await self.until(lambda: self.dead)

    async def until(self, condition: Callable[[], bool], seconds: float = NEWS_SECONDS) -> None:
        """Waits for news of the life."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    async def _read(self, mother: asyncio.subprocess.Process) -> None:
        assert mother.stdout is not None
        async for line in mother.stdout:
            self._note(line.decode().rstrip("\n"))
            async with self._changed:
                self._changed.notify_all()

    def _note(self, line: str) -> None:
        match line.removeprefix("@").split("\t") if line.startswith("@") else [line]:
            case ["loaded"]:
                self._loaded = True
            case ["born", number]:
                self._number = int(number)
            case ["armed"]:
                self._armed = True
            case ["step", *step]:
                self.steps.append(Step(*step))
            case ["killed", *step]:
                self.killed = Step(*step)
            case ["dead", _]:
                self.dead = True
            case ["ready"]:
                self.ready = True
            case _:
                self.log.append(line)


@dataclass
class World:
    """What one database is told of, served and asked."""

    slack: SlackSim
    claude: ClaudeSim
    lives: Lives
    database: Path
    clock: SystemClock

    def restless(self) -> int:
        """How much is not settled: tasks, deliveries, open rows of the ledger, envelopes, sockets."""
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as reader:
            (stored,) = reader.execute(_RESTLESS).fetchone()
        unanswered = sum(envelope.state == "sent" for envelope in self.slack.state.envelopes)
        return int(stored) + unanswered + max(LINES - self.slack.state.sockets, 0)

    async def quiet(self) -> None:
        """Returns once all is settled, or the life has ended."""
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                while not self.lives.dead and self.restless():
                    await self.clock.sleep(LOOK_SECONDS)
        except TimeoutError:
            told = "\n".join([*self.lives.log[-40:], self.slack.dump()])
            raise TimeoutError(f"not quiet after {QUIET_SECONDS} s\n{told}") from None

    async def dead_or_quiet(self, acting: "asyncio.Task[Any]") -> None:
        """Returns once the life has ended, or the act is over and all is settled; then no step ends it."""
        async with asyncio.timeout(QUIET_SECONDS):
            while not self.lives.dead and not acting.done():
                await self.clock.sleep(LOOK_SECONDS)
        await self.quiet()
        if not self.lives.dead:
            await self.lives.arm(None)


@asynccontextmanager
async def world_in(folder: Path) -> AsyncIterator[World]:
    """A world with its files in that folder, which is there, and no life in it yet."""
    clock = SystemClock()
    slack, claude = SlackSim(manifest()), ClaudeSim(now=clock.now)
    await slack.start()
    await claude.start()
    lives = Lives(folder, environment(folder, slack, claude, ONEQUEUE_DIGEST_CHANNEL=""))
    await lives.start()
    try:
        yield World(slack, claude, lives, folder / "onequeue.db", clock)
    finally:
        claude.release()
        await lives.close()
        await slack.close()
        await claude.close()
