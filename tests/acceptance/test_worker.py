"""`onequeue worker`: the queue is worked without Slack, which is told what it is due when it is back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.manifest import manifest
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim, visible
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, asked, environment, onequeue

OPS, ANA = "COPS00001", "UANA00001"


@pytest.fixture
async def slack() -> AsyncIterator[SlackSim]:
    slack = SlackSim(manifest())
    await slack.start()
    yield slack
    await slack.close()


@pytest.fixture
async def claude() -> AsyncIterator[ClaudeSim]:
    claude = ClaudeSim(now=SystemClock().now)
    await claude.start()
    yield claude
    claude.release()
    await claude.close()


@pytest.fixture
def env(slack: SlackSim, claude: ClaudeSim, tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path, slack, claude)


def without_slack(env: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not name.startswith("SLACK")}


async def test_a_task_is_worked_and_answered_in_the_terminal(
    env: dict[str, str], claude: ClaudeSim, slack: SlackSim, tmp_path: Path
) -> None:
    env = without_slack(env)
    worker = Bot(env, tmp_path, "worker")
    status, _, told = await onequeue(env, "add", "p9", "left from before", folder=tmp_path)
    assert (status, told) == (0, "onequeue: nothing is running: it waits for `onequeue run` or `worker`\n")
    try:
        await worker.start()
        assert [line.endswith("ready") for line in worker.lines].count(True) == 1
        now = await asked(env, "add", "--wait", "p9", "what is backpressure?", folder=tmp_path)
        for task in (await asked(env, "show", "1", folder=tmp_path), now):
            assert (task["state"], [run["verdict"] for run in task["runs"]]) == ("done", ["answered"])
            assert task["answer"]
            assert task["cost_micro_usd"] > 0
        assert await worker.stop() == 0
        assert worker.lines[-1].endswith("stopped")
    finally:
        await worker.kill()
    assert slack.state.calls == []
    assert not any("alarm" in line or "ERROR" in line for line in worker.lines)


@pytest.mark.long
async def test_it_works_alone_and_lets_sessions_finish(
    env: dict[str, str], claude: ClaudeSim, tmp_path: Path
) -> None:
    worker = Bot(without_slack(env), tmp_path, "worker")
    try:
        await worker.start()
        for second in ("worker", "run"):
            status, _, refused = await onequeue(env, second, folder=tmp_path)
            assert status == 1
            assert f"another Onequeue holds it (process {worker.pid})" in refused
        claude.hold()
        await onequeue(env, "add", "p3", "investigate stall", folder=tmp_path)
        await claude.wait_for_held(1, timeout=20)
        stopping = asyncio.create_task(worker.stop())
        claude.release()
        assert await stopping == 0
    finally:
        await worker.kill()
    assert (await asked(env, "show", "1", folder=tmp_path))["state"] == "done"


@pytest.mark.long
async def test_slack_is_told_of_what_was_worked_without_it(
    env: dict[str, str], slack: SlackSim, claude: ClaudeSim, tmp_path: Path
) -> None:
    bot, worker = Bot(env, tmp_path), Bot(without_slack(env), tmp_path, "worker")
    try:
        await bot.start()
        claude.hold()
        assert "#1" in await slack.slash("ana", "#ops", "p3 investigate stall")
        await claude.wait_for_held(1, timeout=20)
        await bot.kill()
        claude.release()
        told = len(slack.state.calls)
        await worker.start()
        while (task := await asked(env, "show", "1", folder=tmp_path))["state"] != "done":
            pass
        assert [run["verdict"] for run in task["runs"]] == ["lost", "answered"]
        assert len(slack.state.calls) == told
        found = (await onequeue(env, "doctor", "--json", folder=tmp_path))[1]
        assert "Slack said hello" in found
        assert "does not answer at its socket" not in found
        assert await worker.stop() == 0

        await bot.start()
        await slack.wait_for(
            lambda _: any("with earlier attempts · #1" in visible(one) for one in slack.messages(OPS)),
            timeout=30,
        )
        await slack.wait_for(lambda _: "· done" in str([one.text for one in slack.messages(OPS)]), timeout=30)
        assert await bot.stop() == 0
    finally:
        await bot.kill()
        await worker.kill()
    everything = [visible(one) for one in slack.messages(OPS)]
    assert sum("with earlier attempts · #1" in words for words in everything) == 1
    assert [ping.target for ping in slack.pings] == [ANA]
