"""`onequeue worker`: the queue is worked without Slack, which is told what it is due when it is back."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bot.rehearsal.slack import visible
from tests.acceptance.process import Bot, Scenery, asked, onequeue, scenery

OPS, ANA = "COPS00001", "UANA00001"
RECEIPT = "with earlier attempts · #1"


class World(Scenery):
    @property
    def bare(self) -> Mapping[str, str]:
        """What is known to a process that nobody tells of Slack."""
        return {name: value for name, value in self.env.items() if not name.startswith("SLACK")}

    async def says(self, words: str) -> None:
        """Waits until some message in the channel has those words."""
        await self.slack.wait_for(
            lambda _: any(words in visible(message) for message in self.slack.messages(OPS)), timeout=30
        )


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with scenery(World, tmp_path) as world:
        yield world


@pytest.fixture
async def worker(world: World) -> AsyncIterator[Bot]:
    worker = Bot(world.bare, world.folder, "worker")
    yield worker
    world.claude.release()
    await worker.kill()


@pytest.mark.long
async def test_a_task_is_worked_and_answered_in_the_terminal(world: World, worker: Bot) -> None:
    status, _, told = await onequeue(world.bare, "add", "p9", "left from before", folder=world.folder)
    assert (status, told) == (0, "onequeue: nothing is running: it waits for `onequeue run` or `worker`\n")
    await worker.start()
    assert [line.endswith("ready") for line in worker.lines].count(True) == 1
    second = await asked(world.bare, "add", "--wait", "p9", "what is backpressure?", folder=world.folder)
    for task in (await asked(world.bare, "show", "1", folder=world.folder), second):
        assert (task["state"], [run["verdict"] for run in task["runs"]]) == ("done", ["answered"])
        assert task["answer"]
        assert task["cost_micro_usd"] > 0
    assert await worker.stop() == 0
    assert worker.lines[-1].endswith("stopped")
    assert world.slack.state.calls == []
    assert not [line for line in worker.lines if "alarm" in line or "ERROR" in line]


@pytest.mark.long
async def test_it_works_alone_and_lets_sessions_finish(world: World, worker: Bot) -> None:
    await worker.start()
    for second in ("worker", "run"):
        status, _, refused = await onequeue(world.env, second, folder=world.folder)
        assert status == 1
        assert f"another Onequeue holds it (process {worker.pid})" in refused
    world.claude.hold()
    await world.json("add", "p3", "investigate stall")
    await world.claude.wait_for_held(1, timeout=20)
    stopping = asyncio.create_task(worker.stop())
    world.claude.release()
    assert await stopping == 0
    assert (await world.json("show", "1"))["state"] == "done"


@pytest.mark.long
async def test_slack_is_told_of_what_was_worked_without_it(world: World, worker: Bot) -> None:
    await world.bot.start()
    world.claude.hold()
    assert "#1" in await world.slack.slash("ana", "#ops", "p3 investigate stall")
    await world.claude.wait_for_held(1, timeout=20)
    await world.bot.kill()
    world.claude.release()
    told = len(world.slack.state.calls)
    await worker.start()
    async with asyncio.timeout(60):
        while (task := await world.json("show", "1"))["state"] != "done":
            pass
    assert [run["verdict"] for run in task["runs"]] == ["lost", "answered"]
    assert len(world.slack.state.calls) == told
    found = (await onequeue(world.env, "doctor", "--json", folder=world.folder))[1]
    assert "Slack said hello" in found
    assert "does not answer at its socket" not in found
    assert await worker.stop() == 0

    await world.bot.start()
    await world.says(RECEIPT)
    await world.says("· done")
    assert await world.bot.stop() == 0
    everything = [visible(one) for one in world.slack.messages(OPS)]
    assert sum(RECEIPT in words for words in everything) == 1
    assert [ping.target for ping in world.slack.pings] == [ANA]
