"""`onequeue show 1 --transcript`, of a running process, of a killed one and of none."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.claude import Call, Say, Step, say
from dispatch.clock import SystemClock
from tests.acceptance.process import Scenery, onequeue, scenery

TOKEN = "xoxb-" + "123456789012-abcdefABCDEF"
PAPER = "A long paper. " * 60


class World(Scenery):
    async def show(self, *arguments: str) -> tuple[int, str, str]:
        return await onequeue(self.env, "show", "1", *arguments, folder=self.folder)

    async def transcript(self, *arguments: str) -> Any:
        status, out, err = await self.show("--transcript", "--json", *arguments)
        assert status == 0, err
        return json.loads(out)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with scenery(World, tmp_path) as world:
        yield world


def words(transcript: Any) -> list[str]:
    return [entry["text"] for entry in transcript["entries"]]


@pytest.mark.long
async def test_it_outlives_a_kill_and_is_shown_by_whoever_holds_the_database(world: World) -> None:
    coloured = f"\x1b[1m{TOKEN[:8]}\x1b[0m{TOKEN[8:]}"
    working = Step((Say(f"I use {coloured} and {world.claude.key}."), Call("progress", {"text": "on it"})))
    world.claude.script([working, say(PAPER), say("All done.")])
    await world.bot.start()
    world.claude.hold()
    await world.slack.slash("ana", "#ops", "p9 investigate stall")
    await world.claude.wait_for_held(timeout=30)
    await _let_one_through(world)
    await _stored(world, 3)
    await world.bot.kill()
    world.claude.release()
    await world.bot.start()
    await world.slack.wait_for(lambda state: "All done." in str(state.messages), timeout=30)

    first = await world.transcript("--attempt", "1")
    assert words(first) == ["I use [redacted] and [redacted].", "text: on it", "Noted."]
    assert first["attempt"]["verdict"] == "lost"
    running = await world.show("--transcript")
    assert await world.bot.stop() == 0
    assert await world.show("--transcript") == running
    assert running[1].startswith("#1 attempt 2, claude-haiku-5-5, ")
    assert running[1].endswith("  model\n    All done.\n")
    assert await world.show("--transcript", "--attempt", "3") == (
        1,
        "",
        "onequeue: #1 has had 2 attempts: there is no attempt 3.\n",
    )
    assert await _show_to_nobody(world) == (141, b"")


async def _let_one_through(world: World) -> None:
    """Lets the first answer go on and holds the second."""
    world.claude.release()
    world.claude.hold()
    await world.claude.wait_for_served(1, timeout=30)
    await world.claude.wait_for_held(timeout=30)


async def _stored(world: World, entries: int) -> None:
    """Returns once so many entries are on the disk."""
    with closing(sqlite3.connect(world.folder / "onequeue.db")) as raw:
        async with asyncio.timeout(30):
            while raw.execute("SELECT count(*) FROM transcript").fetchone() != (entries,):
                await SystemClock().sleep(0.1)


async def _show_to_nobody(world: World) -> tuple[int | None, bytes]:
    """Prints it to somebody who does not read any more; exit status and standard error."""
    unread, out = os.pipe()
    os.close(unread)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "show", "1", "--transcript"),
        cwd=world.folder,
        env=world.env,
        stdout=out,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(out)
    _, err = await process.communicate()
    return process.returncode, err
