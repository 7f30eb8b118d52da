"""An agent that asks people, and the people: the real Claude Code against the simulated Claude."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.claude import ClaudeSim, Step, call
from dispatch.clock import SystemClock
from dispatch.means import Beyond, Means, Profile, Project, RunnerName
from dispatch.places import Worktrees
from dispatch.policy import Seating, Settlement
from dispatch.questions import Decision, Question
from dispatch.runners.placed import Placed
from dispatch.states import State
from dispatch.task import Claim, Outcome, Tier
from tests.fakes.setups import FakeSetups
from tests.integration.agent_room import AgentRoom, agent_room
from tests.integration.gateway_room import open_session
from tests.integration.test_worktrees import git

ANA = "UANA00001"


@pytest.fixture
async def room(sim: ClaudeSim, tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with agent_room(tmp_path, sim) as opened:
        yield opened
        assert opened.left() == []


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "payments"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "limit.txt").write_text("1\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


def agent(profile: Profile = Profile.FULL, beyond: Beyond = Beyond.REFUSE, repo: Path | None = None) -> Means:
    project = Project("payments", repo) if repo else None
    return Means(RunnerName.CLAUDE_CODE, profile, project, beyond)


def bash(command: str) -> Step:
    return call("Bash", command=command, description="as scripted")


async def run(room: AgentRoom, claim: Claim, means: Means) -> Outcome:
    """One session of the claim, resumed where it is to be."""
    runner = Placed(room.runner, Worktrees(room.runs.with_name("places"), FakeSetups()))
    async with room.room.gateway.admit(claim) as access:
        session = replace(open_session(claim, access), means=means, resumed=claim.resumed)
        return await runner.run(session)


@asynccontextmanager
async def at_work(room: AgentRoom, claim: Claim, means: Means) -> AsyncIterator["asyncio.Task[Outcome]"]:
    running = asyncio.create_task(run(room, claim, means))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait({running})


async def asked(room: AgentRoom, count: int = 1) -> Question:
    """The newest question of the task, once there are so many."""
    async with asyncio.timeout(30):
        while len(questions := await room.room.store.queue.questions(1)) < count:
            await SystemClock().sleep(0.05)
    return questions[-1]


async def answer(room: AgentRoom, question: Question, words: str) -> None:
    await room.room.asking.answer(question.id, words, ANA, f"key:{question.id}")


async def again(room: AgentRoom, claim: Claim, outcome: Outcome, words: str) -> Claim:
    """Settles the paused attempt, answers its question, and claims the task again."""
    now, queue = room.room.clock.now(), room.room.store.queue
    settled = await queue.settle(claim, outcome, Settlement(State.WAITING), now)
    assert settled.state is State.WAITING
    await answer(room, (await queue.questions(claim.task.id))[-1], words)
    return await claimed(room)


async def claimed(room: AgentRoom, tier: Tier = Tier.HAIKU) -> Claim:
    now = room.room.clock.now()
    claim = await room.room.store.queue.claim(tier, Seating(9), now + timedelta(minutes=1), now)
    assert claim is not None
    return claim


async def again_raised(room: AgentRoom, claim: Claim, outcome: Outcome) -> Claim:
    now, queue = room.room.clock.now(), room.room.store.queue
    await queue.settle(claim, outcome, Settlement(State.WAITING), now)
    await answer(room, (await queue.questions(claim.task.id))[-1], Decision.RAISE)
    return await claimed(room, Tier.SONNET)
