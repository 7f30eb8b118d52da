"""A thread as a conversation, through the real process: a reply meanwhile, a kill, the same twice."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.claude import Failure
from bot.rehearsal.slack import visible
from tests.acceptance.process import Scenery, scenery
from tests.incidents.story import contradictions

OPS = "COPS00001"


class World(Scenery):
    async def says(self, words: str, times: int = 1) -> None:
        """Waits until so many messages in the channel have those words."""
        await self.slack.wait_for(
            lambda _: sum(words in visible(post) for post in self.slack.messages(OPS)) >= times, timeout=30
        )

    async def thread(self) -> str:
        """The thread of the first card, once the bot shows there that it works: it knows the thread then."""
        await self.says("#1 · p9 · Haiku")
        root = str(self.slack.messages(OPS)[0].ts)
        await self.slack.wait_for(lambda state: any(ts == root for _, ts in state.sessions), timeout=30)
        return root

    async def reply_while_it_runs(self) -> None:
        """A task of ana's, held halfway, and her words in its thread."""
        await self.bot.start()
        self.claude.hold()
        await self.slack.slash("ana", "#ops", "p9 investigate stall")
        await self.claude.wait_for_held(1, 30)
        await self.slack.say("ana", "#ops", "and the refunds?", thread_ts=await self.thread())

    async def task(self, number: int) -> Any:
        return await self.json("show", str(number))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with scenery(World, tmp_path) as world:
        yield world


@pytest.mark.long
async def test_a_reply_to_a_running_task_outlives_a_kill_and_knows_the_answer(world: World) -> None:
    await world.reply_while_it_runs()
    await world.says("Starts when #1 has ended")
    await world.bot.kill()
    world.claude.release()
    await world.bot.start()
    await world.says("#1 · p9 · Haiku · done")
    await world.says("#2 · p9 · Haiku · done")
    assert await world.bot.stop() == 0
    told = str(world.claude.served[-1].messages[0]["content"])
    assert told.count("and the refunds?") >= 1
    assert "#1 was asked: investigate stall" in told
    assert "It was answered: " in told
    first, second = await world.task(1), await world.task(2)
    assert (first["state"], second["state"]) == ("done", "done")
    assert [run["verdict"] for run in second["runs"]] == ["answered"]


@pytest.mark.long
async def test_what_was_taken_up_outlives_a_kill_before_it_is_answered(world: World) -> None:
    settings = world.folder / "onequeue.toml"
    settings.write_text(f'[channels.{OPS}]\nreplies = "steer"\n')
    await world.reply_while_it_runs()
    await world.says("For #1, which takes it up at its next step")
    world.claude.fail(Failure.HANG)
    world.claude.release()
    await world.claude.wait_for_requests(2, 30)
    await world.says("#1 has taken this up")
    await world.bot.kill()
    world.claude.recover()
    await world.bot.start()
    await world.says("#1 · p9 · Haiku · done")
    assert await world.bot.stop() == 0
    (prompt,) = [one for one in world.claude.served[-1].messages if "investigate stall" in str(one)][:1]
    assert "> #2, said by whoever asked for the task:\n> and the refunds?" in str(prompt["content"])
    first, second = await world.task(1), await world.task(2)
    assert [run["verdict"] for run in first["runs"]] == ["lost", "answered"]
    assert (second["state"], second["taken_by"], second["runs"]) == ("cancelled", 1, [])
    assert second["cost_micro_usd"] == 0
    with closing(sqlite3.connect(world.folder / "onequeue.db")) as raw:
        assert contradictions(raw) == []
    assert [ping.target for ping in world.slack.pings] == ["UANA00001"], "there is one answer"


@pytest.mark.long
async def test_the_same_from_two_people_is_paid_once_and_told_to_both_over_a_kill(world: World) -> None:
    await world.bot.start()
    world.claude.hold()
    await world.slack.slash("ana", "#ops", "p9 investigate stall")
    await world.claude.wait_for_held(1, 30)
    await world.slack.slash("sam", "#ops", "p9 Investigate stall")
    await world.slack.wait_for(
        lambda _: any(one.text.startswith("Looks like #1") for one in world.slack.ephemerals("sam")),
        timeout=30,
    )
    asked_of = next(one for one in world.slack.ephemerals("sam") if one.text.startswith("Looks like #1"))
    assert await world.slack.click("sam", "#ops", asked_of.ts, "follow") == ""
    await world.says("follows #1")
    await world.bot.kill()
    world.claude.release()
    await world.bot.start()
    await world.says("its cost is on the receipt of #1")
    await world.says("#1 · p9 · Haiku · done")
    assert await world.bot.stop() == 0
    first, second = await world.task(1), await world.task(2)
    assert first["state"] == "done"
    assert (second["runs"], second["cost_micro_usd"]) == ([], 0)
    assert sorted(ping.target for ping in world.slack.pings) == ["UANA00001", "USAM00001"]
