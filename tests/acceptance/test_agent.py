"""`onequeue run` with a task on a project: killed in the middle of an agent's work, and started again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim, call, say
from bot.rehearsal.slack import SlackSim, visible
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, environment
from tests.integration.agent_room import marked
from tests.integration.test_worktrees import git

OPS = "COPS00001"


@dataclass
class Scene:
    slack: SlackSim
    claude: ClaudeSim
    bot: Bot
    repo: Path
    agents: Path

    def says(self, words: str) -> bool:
        posts = (message for found in self.slack.state.messages.values() for message in found)
        return any(words in f"{post.text}\n{visible(post)}" for post in posts)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    repo = tmp_path / "payments"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "limit.txt").write_text("1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=first")
    settings = f'[channels.{OPS}]\nproject = "payments"\n[projects.payments]\nrepo = "{repo}"\n'
    (tmp_path / "onequeue.toml").write_text(settings + 'runner = "claude-code"\nprofile = "full"\n')
    clock = SystemClock()
    slack, claude = SlackSim(manifest()), ClaudeSim(now=clock.now)
    await slack.start()
    await claude.start()
    bot = Bot(environment(tmp_path, slack, claude), tmp_path)
    try:
        await bot.start()
        yield Scene(slack, claude, bot, repo, tmp_path / "onequeue.db.agents")
    finally:
        await bot.stop()
        await claude.close()
        await slack.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await SystemClock().sleep(0.05)


@pytest.mark.long
async def test_a_kill_loses_neither_the_task_nor_its_work(scene: Scene) -> None:
    waits = "echo 8 > limit.txt; setsid nohup sleep 7000 >/dev/null 2>&1 & touch began; sleep 300"
    scene.claude.script([call("Bash", command=waits, description="work"), say("Raised it.")])
    await scene.slack.slash("ana", "#ops", "p3 raise the limit")
    await until(lambda: bool(list(scene.agents.glob("places/*/files/began"))))
    await scene.bot.kill()
    await scene.bot.start()
    await until(lambda: scene.says("Raised it."))
    assert git(scene.repo, "show", "onequeue/1:limit.txt") == "8"
    assert scene.says("Its changes are on branch `onequeue/1` in the repository of payments")
    await until(lambda: marked(scene.agents) == [] and list(scene.agents.glob("*/*")) == [])
    assert git(scene.repo, "status", "--porcelain") == ""
    assert any("agents are shut in like this" in line for line in scene.bot.lines)


@pytest.mark.long
async def test_a_cancelled_agent_leaves_its_branch_and_nothing_else(scene: Scene) -> None:
    works = "echo 8 > limit.txt; touch began; sleep 300"
    scene.claude.script([call("Bash", command=works, description="work"), say("Raised it.")])
    await scene.slack.slash("ana", "#ops", "p3 repo=payments raise the limit")
    await until(lambda: bool(list(scene.agents.glob("places/*/files/began"))))
    await scene.slack.slash("ana", "#ops", "cancel 1")
    await until(lambda: scene.says("#1 was cancelled"))
    assert scene.says("Its changes are on branch `onequeue/1` in the repository of payments")
    assert scene.says("limit.txt | 2 +-")
    assert git(scene.repo, "show", "onequeue/1:limit.txt") == "8"
    await until(lambda: marked(scene.agents) == [] and list(scene.agents.glob("*/*")) == [])
