"""kill -9 in the middle of an agent's work: of Claude Code, and of Onequeue. Nothing is lost or doubled."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.rehearsal.claude import say
from bot.rehearsal.slack import visible
from tests.acceptance.agent_scene import HIDING, OPS, Scene, agent_scene, bash, git
from tests.integration.agent_room import marked_processes

pytestmark = pytest.mark.long

WORKING = f"echo 8 > limit.txt; {HIDING} touch began; sleep 300"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with agent_scene(tmp_path) as opened:
        yield opened


async def at_work(scene: Scene) -> int:
    """A task whose agent is in the middle of a tool, with a child that has left its parents."""
    scene.claude.script([bash(WORKING), say("Raised it.")])
    number = await scene.ask("p3 raise the limit")
    await scene.until((scene.place(number) / "began").exists)
    return number


def check_end(scene: Scene, number: int, branch: str) -> None:
    """Done once, in one thread, with the work of the killed attempt, and every request booked once."""
    (reply,) = [one for one in scene.replies(number) if "Raised it." in one]
    assert "with earlier attempts" in reply
    assert len(scene.claude.served) == 2, "one request before the kill, one after it"
    scene.reckon()
    assert git(scene.repo, "show", f"{branch}:limit.txt") == "8"
    assert git(scene.repo, "branch", "--format=%(refname:short)").split() == ["main", branch]
    assert git(scene.repo, "status", "--porcelain") == ""
    assert scene.gates() == {}


async def test_a_killed_claude_is_tried_again_and_paid_once(scene: Scene) -> None:
    number = await at_work(scene)
    for process in marked_processes(scene.folder / "onequeue.db.agents"):
        if b"--input-format=stream-json" in _command_line(process):
            with suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)
    await scene.until(lambda: "attempt 2 follows" in scene.card(number))
    assert "was killed" in scene.card(number)
    assert "1 of 3 tries failed" in scene.card(number)
    await scene.nothing_left()
    await scene.ended(number, "done")
    assert scene.verdicts(number) == ["failed", "answered"]
    check_end(scene, number, f"onequeue/{number}")
    await scene.nothing_left()


async def test_a_killed_onequeue_doubles_nothing_and_leaves_nothing(scene: Scene) -> None:
    number = await at_work(scene)
    assert len(scene.survivors()) > 2
    await scene.bot.kill()
    await scene.until(lambda: scene.survivors() == [])
    await scene.bot.start()
    await scene.ended(number, "done")
    assert scene.verdicts(number) == ["lost", "answered"]
    check_end(scene, number, f"onequeue/{number}")
    told = [visible(one) for one in scene.slack.messages(OPS) if "lost" in visible(one)]
    assert len(told) == 1, "the thread says so once"
    await scene.nothing_left()
    assert any("removed what 1 sessions and 1 worktrees had left" in line for line in scene.bot.lines)
    assert any(
        re.search(r"seats, agents among them: \d opus, \d sonnet, \d haiku", line) for line in scene.bot.lines
    )


async def test_stopped_in_order_it_leaves_nothing_and_goes_on_after_the_start(scene: Scene) -> None:
    number = await at_work(scene)
    stopping = asyncio.create_task(scene.bot.stop())
    await scene.until(lambda: any("stopping" in line for line in scene.bot.lines))
    assert "Stopping" not in scene.card(number)
    assert await stopping == 0
    await scene.bot.start()
    await scene.ended(number, "done")
    assert scene.verdicts(number) == ["lost", "answered"]
    check_end(scene, number, f"onequeue/{number}")
    await scene.nothing_left()


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
