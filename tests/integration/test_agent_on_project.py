"""A task on a project, from its claim to a kept branch, by the real Claude Code."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.rehearsal.claude import call, say
from dispatch.means import Means, Profile, Project, RunnerName
from dispatch.places import Worktrees
from dispatch.policy import Settlement
from dispatch.runners.placed import Placed
from dispatch.states import State
from dispatch.task import Verdict
from tests.fakes.setups import FakeSetups
from tests.integration.agent_room import AgentRoom, agent_room, claude
from tests.integration.test_worktrees import git


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[AgentRoom]:
    async with claude() as sim, agent_room(tmp_path, sim) as opened:
        yield opened


async def test_what_it_edits_is_kept_as_a_branch_and_stored(room: AgentRoom, tmp_path: Path) -> None:
    repo = tmp_path / "payments"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "limit.txt").write_text("1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=first")
    room.sim.script(
        [
            call("Bash", command="git log --oneline && git status --short", description="look"),
            call("Bash", command="echo 8 > limit.txt && git diff --stat", description="edit"),
            call(
                "Bash",
                command="rm -f .git; git commit -qam mine; echo x > $(git rev-parse --git-common-dir)/x",
            ),
            say("Raised."),
        ]
    )
    runner = Placed(room.runner, Worktrees(tmp_path / "places", FakeSetups()))
    means = Means(RunnerName.CLAUDE_CODE, Profile.FULL, Project("payments", repo))
    async with room.session() as session:
        outcome = await runner.run(replace(session, means=means, place=None))
    assert (outcome.verdict, outcome.text) == (Verdict.ANSWERED, "Raised.")
    assert outcome.work is not None
    assert (outcome.work.branch, "limit.txt" in outcome.work.diffstat) == ("onequeue/1", True)
    log, diff, refused = room.results()
    assert "first" in log
    assert "limit.txt" in diff
    assert "Read-only" in refused or "busy" in refused
    assert git(repo, "show", "onequeue/1:limit.txt") == "8"
    assert git(repo, "ls-tree", "--name-only", "onequeue/1") == "limit.txt"
    assert git(repo, "log", "--format=%s", "onequeue/1").split("\n") == ["Work of #1", "first"]
    assert git(repo, "status", "--porcelain") == ""
    assert not (repo / ".git" / "x").exists()
    queue = room.room.store.queue
    await queue.settle(room.claims[0], outcome, Settlement(State.DONE), room.room.clock.now())
    (attempt,) = await queue.attempts(1)
    assert (attempt.work, attempt.said_micro_usd) == (outcome.work, outcome.said_micro_usd)
    assert room.left() == []
    assert str(repo) not in json.dumps([one.system for one in room.sim.served])
