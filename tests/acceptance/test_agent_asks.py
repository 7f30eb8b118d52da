"""An agent asks a person: real process, Claude Code in its jail, a freed seat, a restart, clicks in Slack."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import Message, SlackSim, visible
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, asked, environment
from tests.integration.agent_room import marked
from tests.integration.test_worktrees import git

pytestmark = pytest.mark.long

OPS, ANA = "COPS00001", "UANA00001"


@dataclass
class Scene:
    """One bot between a Slack and a Claude, with a project for its agents."""

    slack: SlackSim
    claude: ClaudeSim
    bot: Bot
    repo: Path
    folder: Path
    env: dict[str, str]

    @property
    def agents(self) -> Path:
        return self.folder / "onequeue.db.agents"

    async def message(self, words: str) -> Message:
        """The first message in the channel with those words, once it is there."""
        await self.slack.wait_for(lambda _: self._with(words), timeout=60)
        return self._with(words)[0]

    def _with(self, words: str) -> list[Message]:
        return [message for message in self.slack.messages(OPS) if words in visible(message)]

    async def show(self) -> Any:
        return await asked(self.env, "show", "1", folder=self.folder)

    async def nothing_is_left(self) -> None:
        """Waits until no process and no folder of a session is there any more."""
        await until(lambda: marked(self.agents) == [] and list(self.agents.glob("*/*")) == [])
        assert git(self.repo, "status", "--porcelain") == ""


Open = Callable[[str], Awaitable[Scene]]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():
            await SystemClock().sleep(0.05)


@asynccontextmanager
async def scene(folder: Path, means: str) -> AsyncIterator[Scene]:
    repo = folder / "payments"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "limit.txt").write_text("1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=first")
    settings = f'[channels.{OPS}]\nproject = "payments"\n[projects.payments]\nrepo = "{repo}"\n'
    (folder / "onequeue.toml").write_text(f'{settings}runner = "claude-code"\n{means}\n')
    slack, claude = SlackSim(manifest()), ClaudeSim(now=SystemClock().now)
    await slack.start()
    await claude.start()
    env = environment(folder, slack, claude)
    bot = Bot(env, folder)
    try:
        await bot.start()
        yield Scene(slack, claude, bot, repo, folder, env)
    finally:
        await bot.stop()
        await claude.close()
        await slack.close()


async def test_a_click_after_a_restart_goes_on_with_its_work(tmp_path: Path) -> None:
    async with scene(tmp_path, 'profile = "full"') as one:
        await one.slack.slash("ana", "#ops", "p6 run a command, then ask me which queue comes first")
        question = await one.message("#1 asks:")
        assert await one.bot.stop() == 0
        await one.nothing_is_left()
        task = await one.show()
        assert (task["state"], [run["verdict"] for run in task["runs"]]) == ("waiting", ["asked"])
        assert git(one.repo, "show", "onequeue/1:drained.txt") == "drained"
        before = len(one.claude.served)

        await one.bot.start()
        assert await one.slack.click("ana", "#ops", question.ts, "answer:2") == ""
        await one.message("ana answered: refunds")
        answer = await one.message("with earlier attempts · #1")
        assert "$" in visible(answer)
        await one.nothing_is_left()
        assert await one.bot.stop() == 0

        task = await one.show()
        assert (task["state"], [run["verdict"] for run in task["runs"]]) == ("done", ["asked", "answered"])
        assert len(one.claude.served) == before + 1, "it went on where it was; nothing was done twice"
        assert "The requester answered" in str(one.claude.served[-1].messages)
        assert sum(run["cost_micro_usd"] for run in task["runs"]) == task["cost_micro_usd"] > 0
        assert git(one.repo, "show", "onequeue/1:drained.txt") == "drained"
        assert not [line for line in one.bot.lines if "its runtime says" in line], "no cost is disputed"
        assert [ping.target for ping in one.slack.pings] == [ANA, ANA]


async def test_it_is_raised_by_a_click_and_the_next_knows_what_was_learnt(tmp_path: Path) -> None:
    async with scene(tmp_path, 'profile = "full"') as one:
        await one.slack.slash("ana", "#ops", "p6 run a command; this is too hard for most")
        question = await one.message("is more complex than Sonnet expected:")
        assert await one.slack.click("ana", "#ops", question.ts, "raise") == ""
        await one.message("with earlier attempts · #1")
        await one.nothing_is_left()
        assert await one.bot.stop() == 0
        task = await one.show()
        assert [run["verdict"] for run in task["runs"]] == ["asked", "answered"]
        assert (task["tier"], len(task["questions"])) == ("opus", 1)
        prompt = str(one.claude.served[-1].messages)
        assert "Three causes are possible" in prompt
        assert "What it changed is on the branch onequeue/1" in prompt
        assert git(one.repo, "show", "onequeue/1:drained.txt") == "drained"


@pytest.mark.parametrize(("button", "told"), [("approve_once", "approved it once"), ("deny", "denied it")])
async def test_what_its_profile_does_not_allow_is_shown_and_decided_in_slack(
    tmp_path: Path, button: str, told: str
) -> None:
    async with scene(tmp_path, 'profile = "read"\nbeyond = "ask"') as one:
        await one.slack.slash("ana", "#ops", "p6 run a command and tell me")
        question = await one.message("wants to do exactly this:")
        assert "$ echo drained &gt; drained.txt" in str(question.blocks)
        assert "Why: Note it down." in visible(question)
        assert await one.slack.click("ana", "#ops", question.ts, button) == ""
        await one.message(told)
        await one.message("· #1")
        await one.message("· done")
        await one.nothing_is_left()
        assert await one.bot.stop() == 0
        task = await one.show()
        assert [run["verdict"] for run in task["runs"]] == ["answered"]
        made = git(one.repo, "branch", "--list", "onequeue/1") != ""
        assert made is (told == "approved it once")
