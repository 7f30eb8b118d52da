"""What people say while an agent works reaches it, through the real process and over a kill of that."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.rehearsal.claude import say
from tests.acceptance.agent_scene import Scene, agent_scene, bash, git
from tests.incidents.story import contradictions

pytestmark = pytest.mark.long

WORKING = "echo 8 > limit.txt; touch began; until [ -e go ]; do sleep 0.1; done"
SAID = "and the wiki, as @/etc/hostname says"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with agent_scene(tmp_path, steered=True) as opened:
        yield opened


async def told_at_work(scene: Scene) -> tuple[int, int]:
    """A task whose agent is in the middle of a tool, and a reply that it has been told."""
    scene.claude.script([bash(WORKING), bash("echo done > wiki.txt"), say("Raised it, and wrote it down.")])
    number = await scene.ask("p3 raise the limit")
    await scene.until((scene.place(number) / "began").exists)
    reply = await scene.reply(number, SAID)
    await scene.until(lambda: scene.says(reply, f"#{number} has taken this up"))
    return number, reply


def check_reply(scene: Scene, number: int, reply: int) -> None:
    """It is one with the task: no attempt, no cost and no answer of its own."""
    (row,) = scene.rows("SELECT * FROM task WHERE id = ?", reply)
    assert (row["state"], row["taken_by"], row["attempt"], row["cost_micro_usd"]) == (
        "cancelled",
        number,
        0,
        0,
    )
    assert (scene.replies(reply), len(scene.replies(number))) == ([], 1)
    assert [ping.target for ping in scene.slack.pings] == ["UANA00001"]
    with closing(sqlite3.connect(scene.folder / "onequeue.db")) as raw:
        assert contradictions(raw) == []
    steps = scene.rows("SELECT * FROM history WHERE task_id = ? AND move = 'take up'", number)
    assert [(step["actor"], step["detail"]) for step in steps] == [("UANA00001", f"#{reply}")]


async def test_a_reply_reaches_the_agent_with_the_result_of_what_it_does(scene: Scene) -> None:
    number, reply = await told_at_work(scene)
    (scene.place(number) / "go").touch()
    await scene.ended(number, "done", "Raised it, and wrote it down.")
    first, second, _ = scene.claude.served
    assert (str(first.messages).count(SAID), str(second.messages).count(SAID)) == (0, 1)
    assert git(scene.repo, "show", f"onequeue/{number}:wiki.txt") == "done"
    said = scene.rows("SELECT * FROM transcript WHERE task_id = ? AND who = 'people'", number)
    assert [SAID in one["text"] for one in said] == [True]
    check_reply(scene, number, reply)
    scene.reckon()
    await scene.nothing_left()


async def test_what_it_was_told_outlives_a_kill(scene: Scene) -> None:
    number, reply = await told_at_work(scene)
    await scene.bot.kill()
    await scene.until(lambda: scene.survivors() == [])
    await scene.bot.start()
    await scene.ended(number, "done", "Raised it, and wrote it down.")
    assert scene.verdicts(number) == ["lost", "answered"]
    assert str(scene.claude.served[1].messages).count(SAID) == 1, "the next attempt begins with it"
    check_reply(scene, number, reply)
    scene.reckon()
    await scene.nothing_left()
