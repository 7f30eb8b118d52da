"""When a Home is shown anew: soon after a change, within Slack's limits, and in spite of refusals."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from bot.board import OPEN_FOR, PUBLISHES
from bot.rehearsal.slack.state import User
from dispatch.states import State
from tests.integration.control_room import Bench, control_room
from tests.integration.home_room import ask, full, later, opened, pressed, publishes, refreshed, says, shown

BROKEN: Final[Any] = None
"""A look that is none, as only a defect makes it."""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with control_room(tmp_path) as opened_room:
        yield opened_room


def restarted(bench: Bench) -> None:
    """Forgets what is forgotten with the process."""
    bench.board._open.clear()


async def test_it_is_shown_anew_soon_after_a_change_and_only_then(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    for _ in range(5):
        await later(bench)
    assert publishes(bench.slack) == 1
    await ask(bench, "hold 3")
    assert "*Held or waiting* · 1 task" in says(await later(bench))
    assert publishes(bench.slack) == 2


async def test_changes_that_follow_each_other_are_shown_at_once(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    for verb in ("hold", "release", "hold"):
        await ask(bench, f"{verb} 3")
        await refreshed(bench)
    assert publishes(bench.slack) == 1
    assert "*Held or waiting*" in says(await later(bench))
    assert publishes(bench.slack) == 2


async def test_whoever_has_not_looked_for_long_is_shown_nothing_more(bench: Bench) -> None:
    await full(bench)
    await ask(bench, "p4 investigate stall")
    await opened(bench)
    bench.clock.advance(OPEN_FOR + timedelta(seconds=1))
    await ask(bench, "hold 3")
    assert "*Queued*" in says(await refreshed(bench))
    assert publishes(bench.slack) == 1
    assert "*Held or waiting*" in says(await opened(bench))


async def test_all_homes_together_keep_a_budget_and_those_opened_last_come_first(bench: Bench) -> None:
    await full(bench)
    people = [f"UCROWD{number:03}" for number in range(PUBLISHES[0] + 5)]
    for person in people:
        bench.slack.invite(User(person, person.lower(), person, "UTC"))
        await bench.slack.open_home(person)
        await bench.slack.wait_for(lambda state: state.envelopes[-1].state != "sent")
        bench.clock.advance(timedelta(milliseconds=1))
    await bench.board.refresh()
    assert publishes(bench.slack) == PUBLISHES[0]
    assert [shown(bench.slack, person) is None for person in people] == [True] * 5 + [False] * PUBLISHES[0]
    bench.clock.advance(PUBLISHES[1])
    await bench.board.refresh()
    assert all(shown(bench.slack, person) for person in people)


async def test_after_a_restart_it_is_found_as_it_was_left(bench: Bench) -> None:
    await full(bench)
    await opened(bench)
    await pressed(bench, "home:pick", "COPS00001")
    await ask(bench, "p4 investigate stall", "sam")
    restarted(bench)
    said = says(await opened(bench))
    assert "sweep 1" in said
    assert "investigate stall" in said


async def test_a_press_after_a_restart_finds_it_too(bench: Bench) -> None:
    await full(bench)
    await opened(bench)
    await pressed(bench, "home:all")
    restarted(bench)
    view = await pressed(bench, "stop", "1", who="ana")
    assert "sweep 2" in says(view)


@pytest.mark.parametrize("code", ["missing_scope", "unknown_method", "not_enabled", "hash_conflict"])
async def test_a_refusal_stops_nothing_and_is_repaired_later(
    bench: Bench, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    await full(bench)
    bench.slack.fault("views.publish", "error", times=3, error=code)
    await bench.slack.open_home("ana")
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    for _ in range(4):
        await bench.board.refresh()
        bench.clock.advance(timedelta(minutes=1, seconds=1))
    assert shown(bench.slack) is not None
    assert publishes(bench.slack) == 4
    assert caplog.text.count(f"a Home could not be shown: Slack refused: {code}") == 1
    await ask(bench, "p4 goes on")
    assert (await bench.task(3)).state is State.QUEUED


async def test_a_rate_limit_holds_every_home_for_so_long(bench: Bench) -> None:
    bench.slack.fault("views.publish", "429", retry_after=30)
    for who in ("ana", "sam"):
        await bench.slack.open_home(who)
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    assert await bench.board.refresh() > 0
    bench.clock.advance(timedelta(seconds=29))
    await bench.board.refresh()
    assert publishes(bench.slack) == 1
    bench.clock.advance(timedelta(seconds=1))
    await bench.board.refresh()
    assert shown(bench.slack, "ana")
    assert shown(bench.slack, "sam")


async def test_while_it_is_entered_homes_are_shown_by_themselves(bench: Bench) -> None:
    await ask(bench, "p9 tidy the wiki")
    await bench.seats.wait_started(1)
    async with bench.board:
        await bench.slack.open_home("ana")
        await bench.slack.wait_for(lambda _: "tidy the wiki" in says(shown(bench.slack)))


async def test_the_messages_tab_opens_no_home(bench: Bench) -> None:
    await bench.slack.open_home("ana", "messages")
    await bench.slack.wait_for(lambda state: all(one.state != "sent" for one in state.envelopes))
    await bench.board.refresh()
    assert publishes(bench.slack) == 0


async def test_a_home_that_breaks_holds_up_no_other(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await full(bench)
    await opened(bench, "sam")
    bench.board._open["UANA00001"] = replace(bench.board._open["USAM00001"], look=BROKEN)
    await ask(bench, "p9 tidy", "sam")
    assert "tidy" in says(await later(bench, "sam"))
    assert "the Home of UANA00001 broke" in caplog.text
    tried = caplog.text.count("broke")
    await later(bench, "sam")
    assert caplog.text.count("broke") == tried
