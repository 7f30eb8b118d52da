"""The disk fills up while a session runs, and is emptied again."""

import asyncio
from pathlib import Path

import pytest

from bot.manifest import manifest
from bot.money import dollars
from bot.rehearsal.claude import ClaudeSim
from bot.rehearsal.slack import SlackSim, visible
from dispatch.clock import SystemClock
from tests.acceptance.process import Bot, asked, environment, onequeue
from tests.integration.conditions import small_disk

OPS = "COPS00001"
REFUSED = "Not taken: I could not store this."


@pytest.mark.long
async def test_a_disk_that_was_full_has_cost_nobody_anything(tmp_path: Path) -> None:
    slack, claude = SlackSim(manifest()), ClaudeSim(now=SystemClock().now)
    with small_disk(tmp_path / "disk") as disk:
        await slack.start()
        await claude.start()
        env = environment(disk.folder, slack, claude)
        bot = Bot(env, disk.folder)
        await bot.start()
        try:
            claude.hold()
            assert "#1" in await slack.slash("ana", "#ops", "p3 investigate stall")
            await claude.wait_for_held(1, timeout=20)

            disk.fill()
            assert (await slack.slash("ana", "#ops", "p3 too much")).startswith(REFUSED)
            status, _, err = await onequeue(env, "add", "p3 too much", folder=tmp_path)
            assert status == 1
            assert "The disk is full. Make room" in err
            claude.release()
            async with asyncio.timeout(20):
                while not any("is not closed yet" in line for line in bot.lines):
                    assert (await slack.slash("ana", "#ops", "p3 still too much")).startswith(REFUSED)

            disk.make_room()
            await slack.wait_for(
                lambda _: any("#1 · p3 · Opus · done" in message.text for message in slack.messages(OPS)),
                timeout=30,
            )
            assert "#2" in await slack.slash("ana", "#ops", "p9 goes again")
            task = await asked(env, "show", "1", folder=tmp_path)
            everything = await asked(env, "cost", "today", folder=tmp_path)
        finally:
            assert await bot.stop() == 0
            await slack.close()
            await claude.close()
    assert [run["verdict"] for run in task["runs"]] == ["answered"], "it ran once"
    assert task["cost_micro_usd"] > 0
    assert task["unpriced_requests"] == everything["unpriced_requests"] == 0
    answers = [message for message in slack.thread(OPS, task["thread"]) if "· #1" in visible(message)]
    assert len(answers) == 1
    assert f"· {dollars(task['cost_micro_usd'])} ·" in visible(answers[0]), "with all that it cost"
