"""The Home tab of a running Onequeue: what it shows, through a pause and a kill, until the task has ended."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.process import Scenery, scenery
from tests.integration.home_room import says, shown


@pytest.mark.long
async def test_a_paused_queue_is_resumed_in_home_after_a_restart(tmp_path: Path) -> None:
    async with scenery(Scenery, tmp_path) as world:
        slack, bot = world.slack, world.bot

        async def until(what: Callable[[str], bool]) -> None:
            await slack.wait_for(lambda _: what(says(shown(slack))), timeout=30)

        await bot.start()
        assert (await world.json("pause"))["paused"]["actor"].startswith("cli:")
        assert "paused" in await slack.slash("ana", "#ops", "p9 tidy the wiki")
        await slack.open_home("ana")
        await until(lambda said: "tidy the wiki\nnext in line · paused" in said)
        await bot.kill()
        await bot.start()
        assert (await world.json("list"))["tasks"][0]["state"] == "queued"
        await slack.forms.press_home("ana", "resume", "queue")
        await until(lambda said: said.startswith("The queue goes on."))
        await until(lambda said: "*#1 · p9 · Haiku · done*" in said and "*Paused*" not in said)
        assert await bot.stop() == 0
    assert not [line for line in bot.lines if "Traceback" in line]
