"""The whole queue paused and resumed: by words, in Home, at the command line, and what everybody is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.console import Console
from bot.crier import DAILY
from bot.printing import PRINTERS
from dispatch.pauses import Paused
from dispatch.states import State
from dispatch.watch import PAUSED_LONG
from tests.integration.control_room import Bench, control_room
from tests.integration.home_room import labels, later, opened, pressed, says
from tests.integration.watch_room import watch_room

UTC = ZoneInfo("UTC")
PAUSES = "The queue is paused since "


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened_room:
        yield opened_room


async def ask(bench: Bench, words: str, who: str = "ana") -> str:
    return await bench.slack.slash(who, "ops", words)


async def settled(bench: Bench) -> None:
    """Lets the worker do what it would."""
    for _ in range(20):
        await bench.task(1)


async def test_while_it_is_paused_nothing_new_starts_and_what_runs_goes_on(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    assert (await ask(bench, "pause", "sam")).startswith(PAUSES)
    receipt = await ask(bench, "p9 another")
    assert "Queued as #2 · p9 · Haiku · next in line · paused · usual price" in receipt
    bench.seats.end(1)
    await bench.until(1, State.DONE)
    await settled(bench)
    assert (await bench.task(2)).state is State.QUEUED
    card = await bench.message("another")
    assert "next in line · paused by @sam · usual price and time" in str(card.blocks)
    assert PAUSES in await ask(bench, "list")
    assert await ask(bench, "resume", "sam") == "The queue goes on."
    await bench.seats.wait_started(2)
    assert PAUSES not in await ask(bench, "list")
    assert {ping.target for ping in bench.slack.pings} == {"UANA00001"}


async def test_a_waiting_card_says_so_and_again_when_it_starts(bench: Bench) -> None:
    for number in (1, 2):
        await ask(bench, f"p3 sweep {number}", "sam")
        await bench.seats.wait_started(number)
    await ask(bench, "p4 investigate stall")
    assert "2 of 3 Opus seats busy" in str((await bench.message("investigate stall")).blocks)
    await ask(bench, "pause", "sam")
    paused = str((await bench.message("investigate stall")).blocks)
    assert "paused by @sam" in paused
    assert "seats busy" not in paused
    await ask(bench, "resume", "sam")
    assert "paused" not in str((await bench.message("investigate stall")).blocks)


async def test_only_operators_pause_and_resume(bench: Bench) -> None:
    assert await ask(bench, "pause") == "Nothing done: only operators may do that. Ask sam."
    assert await bench.dispatcher.paused() is None
    await ask(bench, "pause", "sam")
    assert "only operators may do that" in await ask(bench, "resume")
    assert await bench.dispatcher.paused() == Paused("USAM00001", bench.clock.now())


async def test_operators_pause_and_resume_it_in_home(bench: Bench) -> None:
    assert labels(await opened(bench), "home:queue") == []
    assert labels(await opened(bench, "sam"), "home:queue") == ["Pause the queue"]
    paused = await pressed(bench, "pause", "queue", who="sam")
    assert says(paused).startswith(PAUSES)
    assert labels(paused, "home:queue") == ["Resume the queue"]
    assert "*Paused* by @sam since" in says(await later(bench))
    on = await pressed(bench, "resume", "queue", who="sam")
    assert says(on).startswith("The queue goes on.")
    assert "*Paused*" not in says(on)
    assert await bench.dispatcher.paused() is None


async def test_a_home_that_is_behind_resumes_for_no_stranger(bench: Bench) -> None:
    await opened(bench, "sam")
    await pressed(bench, "pause", "queue", who="sam")
    payload = {
        "trigger_id": "1.1.forged",
        "user": {"id": "UANA00001"},
        "view": {"type": "home"},
        "actions": [{"action_id": "resume", "value": "queue", "text": {"text": "Resume the queue"}}],
    }
    assert (await bench.controls.press_at_home(payload)).startswith("Nothing done:")
    assert await bench.dispatcher.paused() is not None


async def test_the_command_line_pauses_and_resumes_it(bench: Bench) -> None:
    nobody: object = None
    console = Console(bench.dispatcher, nobody, bench.clock, 5, UTC, bench.room.store)  # type: ignore[arg-type]
    paused = await console.ask("pause", {})
    assert PRINTERS["pause"](paused, UTC).endswith("nothing new starts; `onequeue resume` lets it go on")
    listed = await console.ask("list", {})
    assert listed["paused"] == paused["paused"]
    assert PRINTERS["list"](listed, UTC) == f"No open tasks.\n{PRINTERS['pause'](paused, UTC)}"
    resumed = await console.ask("resume", {})
    assert PRINTERS["resume"](resumed, UTC) == "The queue goes on."
    again = await console.ask("resume", {})
    assert PRINTERS["resume"](again, UTC) == "No gate is closed: nothing waits for an operator."
    assert (await console.ask("list", {}))["paused"] is None


async def test_after_a_day_people_are_reminded_once_a_day_until_it_goes_on(tmp_path: Path) -> None:
    async with watch_room(tmp_path) as over:
        await over.room.ask()
        await over.room.store.queue.pause("USAM00001", over.room.clock.now())
        await over.look(timedelta(hours=1))
        assert over.alarms() == []
        over.room.clock.advance(PAUSED_LONG)
        await over.look(timedelta(hours=1))
        (alarm,) = over.alarms()
        assert "The queue is paused for" in alarm.text
        assert over.replies() == []
        over.room.clock.advance(DAILY)
        await over.look(timedelta(minutes=1))
        assert [text[:9] for text in over.replies()] == ["Still so "]
        await over.room.store.queue.unpause(over.room.clock.now())
        await over.look(timedelta(minutes=1))
        assert over.replies()[-1].startswith("Recovered at ")
