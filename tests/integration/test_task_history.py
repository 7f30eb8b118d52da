"""Who did what to a task, when and why: stored with each move and shown in Slack and on the command line."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.console import Console
from bot.grammar import Show, UsageError, form, parse
from bot.printing import PRINTERS
from bot.records import full_record, step_record
from bot.views.gate import check
from bot.views.history import history
from bot.views.message import Message
from bot.words import passage
from dispatch.policy import Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import Move, State, Step
from dispatch.task import HoldKind, Outcome, Verdict
from tests.fakes.values import NOON, make_task
from tests.integration.front_desk import front_desk
from tests.integration.front_room import Front, front_room
from tests.integration.post_room import ANA, SAM, TERMS

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with front_room(tmp_path) as opened:
        yield opened


async def live(front: Front) -> None:
    """Has a task held, sent another way, stopped and run again."""
    queue, now = front.store.queue, front.room.clock.now
    task = await front.room.ask(priority=3)
    claim = await front.room.claim(task)
    until = now() + timedelta(minutes=1)
    await queue.settle(claim, Outcome(Verdict.FAILED), Settlement(State.HELD, run_at=until), now())
    front.room.clock.advance(timedelta(minutes=1))
    await queue.promote(now())
    await queue.reroute(1, "opus", None, route(3, "opus", None, DEFAULT_TABLE), ANA, now())
    await front.room.claim(task)
    await queue.cancel(1, SAM, now())
    await queue.recover(now())
    await queue.retry(1, ANA, now())


EXPECTED: Sequence[tuple[Move, State | None, State, str, str]] = [
    (Move.ENQUEUE, None, State.QUEUED, ANA, ""),
    (Move.CLAIM, State.QUEUED, State.RUNNING, "onequeue", ""),
    (Move.HOLD, State.RUNNING, State.HELD, "onequeue", ""),
    (Move.RELEASE, State.HELD, State.QUEUED, "onequeue", ""),
    (Move.REROUTE, State.QUEUED, State.QUEUED, ANA, "Opus as asked"),
    (Move.CLAIM, State.QUEUED, State.RUNNING, "onequeue", ""),
    (Move.CANCEL, State.RUNNING, State.RUNNING, SAM, "asked"),
    (Move.CANCEL, State.RUNNING, State.CANCELLED, "onequeue", "the bot was restarted"),
    (Move.RETRY, State.CANCELLED, State.QUEUED, ANA, ""),
]


async def test_every_move_says_from_where_to_where_and_who(front: Front) -> None:
    await live(front)
    steps = await front.store.queue.history(1)
    assert [(step.move, step.source, step.target, step.actor, step.detail) for step in steps] == EXPECTED
    assert [step.at for step in steps] == sorted(step.at for step in steps)


async def test_slack_shows_it_in_private_in_the_teams_zone_by_name(front: Front) -> None:
    await live(front)
    told = await front.slack.slash("ana", "ops", "show 1 --history")
    head, first, *_, last = told.split("\n")
    assert head.endswith("9 moves")
    asked = (await front.store.queue.history(1))[0].at.astimezone(BERLIN)
    assert first == f"{asked:%Y-%m-%d %H:%M:%S} CET · enqueue: queued · ana"
    assert "· cancel: running · sam · asked" in told
    assert "· reroute: queued · ana · Opus as asked" in told
    assert last.endswith("CET · retry: cancelled → queued · ana")
    assert await front.slack.slash("ana", "ops", "show 2 --history") == "There is no task #2."


async def test_the_command_line_shows_it_as_text_and_as_json(front: Front) -> None:
    await live(front)
    desk = front_desk(front.store, front.room.clock, TERMS)
    console = Console(desk.dispatcher, desk.books, front.room.clock, 5, BERLIN, front.store)
    assert "history" not in await console.ask("show", {"task": "1", "history": ""})
    record = await console.ask("show", {"task": "1", "history": "yes"})
    told = record["history"]
    assert isinstance(told, list)
    assert told[7] == {
        "at": told[7]["at"],
        "move": "cancel",
        "from": "running",
        "to": "cancelled",
        "actor": "onequeue",
        "detail": "the bot was restarted",
    }
    printed = PRINTERS["show"](record, BERLIN).split("\n")[-9:]
    assert printed[0].endswith(f"CET  enqueue: queued  by {ANA}")
    assert printed[7].endswith("CET  cancel: running → cancelled  by onequeue  the bot was restarted")


async def test_a_person_at_the_command_line_is_its_actor(front: Front) -> None:
    desk = front_desk(front.store, front.room.clock, TERMS)
    console = Console(desk.dispatcher, desk.books, front.room.clock, 5, BERLIN, front.store)
    await front.room.ask()
    await console.ask("cancel", {"task": "1"})
    await console.ask("retry", {"task": "1"})
    actors = [step.actor for step in await front.store.queue.history(1)]
    assert actors[0] == ANA
    assert all(actor.startswith("cli:") for actor in actors[1:])
    assert len(actors) == 3


def step(move: Move = Move.HOLD, detail: str = "", actor: str = "onequeue") -> Step:
    return Step(NOON, move, State.RUNNING, State.HELD, actor, detail)


def test_of_a_long_history_the_newest_is_shown_and_strangers_words_stay_words() -> None:
    steps = [step(detail=f"number {number} <!channel> *x*", actor="<@UANA00001>") for number in range(500)]
    told = history(make_task(42, hold=HoldKind.RETRY), steps, {}, BERLIN)
    head, more, *shown = told.split("\n")
    assert head.endswith("500 moves")
    assert more == f"… and {500 - len(shown)} before that"
    assert "number 499" in shown[-1]
    assert len(told) <= 3_900
    check(Message(told))


def test_moves_of_which_no_states_were_noted_have_their_names() -> None:
    assert passage("claim", None, None) == "claim"
    record = full_record(make_task(), [], []) | {
        "history": [step_record(Step(NOON, Move.CLAIM, None, None, "\x1b[31monequeue", ""))]
    }
    assert PRINTERS["show"](record, ZoneInfo("UTC")).endswith("2026-11-23 12:00:00 UTC  claim  by onequeue")
    assert NOON.tzinfo is UTC


@pytest.mark.parametrize("text", ["show 42 --history", "/task show #42 --HISTORY", "show 42 —history"])
def test_it_is_asked_for_behind_the_number(text: str) -> None:
    assert parse(text) == Show(42, history=True)
    assert form(Show(42, history=True)) == "show 42 --history"


@pytest.mark.parametrize(
    "text", ["show 42 history", "show --history", "cancel 42 --history", "show 42--history"]
)
def test_what_is_almost_it_is_refused(text: str) -> None:
    assert isinstance(parse(text), UsageError)
