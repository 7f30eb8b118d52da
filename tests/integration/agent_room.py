"""The real Claude Code against the simulated Claude, through the real gateway."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.rehearsal.claude import ClaudeSim
from dispatch.clock import SystemClock
from dispatch.means import Means, Profile, RunnerName
from dispatch.ports import Place, Session
from dispatch.runners.claude_code import ClaudeCodeRunner, SelfTest
from dispatch.runners.claude_code.command import MARK
from dispatch.task import Claim, Outcome
from dispatch.usage import MICRO_USD
from tests.integration.gateway_room import IDLE, GatewayRoom, open_session, room_over
from tests.integration.rehearsal_claude import claude

UTC_ZONE = ZoneInfo("UTC")
PROVEN = SelfTest()
"""One for all rooms: the program is the same in each."""


def means(profile: Profile) -> Means:
    """An agent without a project."""
    return Means(RunnerName.CLAUDE_CODE, profile)


@dataclass
class AgentRoom:
    """A simulated Claude, a gateway, and a runner of the real program. `runs` is its folder."""

    sim: ClaudeSim
    room: GatewayRoom
    runner: ClaudeCodeRunner
    runs: Path
    place: Path
    claims: list[Claim] = field(default_factory=list)

    async def run(
        self,
        profile: Profile = Profile.FULL,
        prompt: str = "investigate stall",
        cap_micro_usd: int = MICRO_USD,
    ) -> Outcome:
        """One attempt of a new task in the place, from claim to outcome."""
        async with self.session(profile, prompt, cap_micro_usd) as session:
            return await self.runner.run(session)

    @asynccontextmanager
    async def session(
        self,
        profile: Profile = Profile.FULL,
        prompt: str = "investigate stall",
        cap_micro_usd: int = MICRO_USD,
    ) -> AsyncIterator[Session]:
        """An attempt of a new task, ready to run in the place."""
        claim = await self.room.claim(cap_micro_usd)
        self.claims.append(claim)
        async with self.room.gateway.admit(claim) as access:
            session = open_session(claim, access, prompt)
            yield replace(session, means=means(profile), place=Place(self.place))

    def results(self) -> list[str]:
        """What tools answered, as the newest request to the API repeats it."""
        newest = self.sim.served[-1].messages
        blocks = [
            block
            for message in newest
            if isinstance(message["content"], list)
            for block in message["content"]
        ]
        return [_text(block["content"]) for block in blocks if block["type"] == "tool_result"]

    def left(self) -> list[str]:
        """The runs' folders, and the processes that carry their mark."""
        return [*(str(one) for one in self.runs.glob("*")), *marked(self.runs)]


@asynccontextmanager
async def agent_room(folder: Path, sim: ClaudeSim, **limits: object) -> AsyncIterator[AgentRoom]:
    """A room over that simulator, in a folder."""
    place = folder / "place"
    place.mkdir(exist_ok=True)
    idle = limits.get("idle", IDLE)
    async with room_over(sim, folder, idle) as room:  # type: ignore[arg-type]
        runner = ClaudeCodeRunner(folder / "runs", SystemClock(), UTC_ZONE, self_test=PROVEN)
        yield AgentRoom(sim, room, runner, folder / "runs", place)


def marked_processes(folder: Path) -> list[Path]:
    """The processes that belong to a run in the folder, as their places in /proc."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or process.name == str(os.getpid()):
            continue
        try:
            if f"{MARK}={folder}".encode() in (process / "environ").read_bytes():
                found.append(process)
        except OSError:
            continue
    return found


def marked(folder: Path) -> list[str]:
    """The command lines of those processes."""
    lines = []
    for process in marked_processes(folder):
        with suppress(OSError):
            lines.append((process / "cmdline").read_text().replace("\0", " ")[:200])
    return lines


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    assert isinstance(content, list)
    return "\n".join(block["text"] for block in content)


__all__ = ["UTC_ZONE", "AgentRoom", "agent_room", "claude", "marked", "marked_processes", "means"]


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with agent_room(tmp_path, sim) as opened:
        yield opened
