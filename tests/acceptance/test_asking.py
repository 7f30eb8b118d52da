"""A session asks a person: through the real process, a freed seat, a restart, and a click in Slack."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.slack import Message, visible
from tests.acceptance.process import Scenery, scenery

OPS, ANA = "COPS00001", "UANA00001"
ASK = "p6 drain the queues, but ask me which one first"


class World(Scenery):
    def questions(self) -> list[Message]:
        return [message for message in self.slack.messages(OPS) if "#1 asks:" in message.text]

    async def asked(self) -> Message:
        """The question, once it is there with its buttons."""
        await self.slack.wait_for(lambda _: self.questions(), timeout=30)
        (question,) = self.questions()
        return question

    async def says(self, words: str) -> None:
        """Waits until some message in the channel has those words."""
        await self.slack.wait_for(
            lambda _: any(words in visible(message) for message in self.slack.messages(OPS)), timeout=30
        )

    async def show(self) -> Any:
        return await self.json("show", "1")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with scenery(World, tmp_path) as world:
        yield world


def used(world: World) -> list[tuple[int, int]]:
    """Tokens in and out of every request that Claude served."""
    return [
        (one.input_tokens + one.cache_read_tokens + one.cache_write_5m_tokens, one.output_tokens)
        for one in world.claude.served
    ]


@pytest.mark.long
async def test_an_answer_that_comes_after_a_restart_is_gone_on_with(world: World) -> None:
    await world.bot.start()
    await world.slack.slash("ana", "#ops", ASK)
    question = await world.asked()
    assert await world.bot.stop() == 0
    task = await world.show()
    assert task["state"] == "waiting", "its seat is free"
    assert [run["verdict"] for run in task["runs"]] == ["asked"]
    before = len(world.claude.served)

    await world.bot.start()
    assert await world.slack.click("ana", "#ops", question.ts, "answer:2") == ""
    await world.says("· done")
    await world.says("ana answered: refunds")
    await world.says("with earlier attempts · #1")
    assert await world.bot.stop() == 0

    task = await world.show()
    assert (task["state"], [run["verdict"] for run in task["runs"]]) == ("done", ["asked", "answered"])
    assert len(world.claude.served) == before + 1, "the conversation went on; nothing was asked twice"
    results = world.claude.served[-1].messages[-1]["content"]
    assert "refunds" in str(results[-1]["content"])
    served = used(world)
    assert sum(run["prompt_tokens"] for run in task["runs"]) == sum(prompt for prompt, _ in served)
    assert sum(run["output_tokens"] for run in task["runs"]) == sum(output for _, output in served)
    assert sum(run["cost_micro_usd"] for run in task["runs"]) == task["cost_micro_usd"] > 0
    (asked_once,) = task["questions"]
    assert (asked_once["answer"], asked_once["person"]) == ("refunds", ANA)
    pinged = [ping.target for ping in world.slack.pings]
    assert pinged == [ANA, ANA], "once with the question, once with the answer"


@pytest.mark.long
async def test_killed_while_it_waits_it_asks_no_second_time(world: World) -> None:
    await world.bot.start()
    await world.slack.slash("ana", "#ops", ASK)
    question = await world.asked()
    await world.bot.kill()
    await world.bot.start()
    await world.says("was lost")
    await world.slack.say("ana", "#ops", "the refunds, please", thread_ts=question.thread_ts)
    await world.says("· done")
    await world.says("ana answered: the refunds, please")
    assert await world.bot.stop() == 0
    task = await world.show()
    assert [run["verdict"] for run in task["runs"]] == ["lost", "answered"]
    assert len(task["questions"]) == len(world.questions()) == 1
    told = [str(one.messages) for one in world.claude.served if "the refunds, please" in str(one.messages)]
    assert told, "a session was told"
    assert len((await world.json("list"))["tasks"]) == 0, "no task was made of it"
