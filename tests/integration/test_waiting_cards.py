"""Cards of tasks that wait at a gate: each is edited when it closes, and again when it opens."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.faults import FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.fakes.values import NOON
from tests.integration.post_room import SECRETS, Room, post_room, settle_down

LATER = NOON + timedelta(minutes=20)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


def closed(name: str, fault: FaultKind, detail: str = "") -> Gate:
    return Gate(name, GateState.CLOSED, fault, detail, 1, NOON, LATER)


async def test_all_who_wait_for_a_tier_say_so_until_it_opens(room: Room) -> None:
    first, second, other = await room.ask(), await room.ask(), await room.ask(priority=9)
    await settle_down(room)
    await room.strike(first, closed("opus", FaultKind.RATE_LIMITED))
    await settle_down(room)
    cards = room.seen()
    assert ["Opus is rate limited (2 tasks wait for it)" in card for card in cards] == [True, True, False]
    assert "next in line" in cards[other.id - 1]

    room.clock.advance(LATER - room.clock.now())
    claim = await room.claim(first)
    opened = Settlement(State.DONE, gates=(Gate("opus"),))
    await room.store.queue.settle(claim, Outcome(Verdict.ANSWERED, "Yes."), opened, room.clock.now())
    await settle_down(room)
    assert "rate limited" not in room.seen()[second.id]


async def test_the_account_holds_back_every_tier_and_operators_are_told(room: Room) -> None:
    first, _ = await room.ask(), await room.ask(priority=9)
    await settle_down(room)
    await room.strike(first, closed(ACCOUNT, FaultKind.AUTHENTICATION))
    await settle_down(room)
    for card in room.seen():
        assert "Nothing is wrong with your task: Claude's key was refused at" in card
        assert "It keeps its place (2 tasks wait for it); the operators have been told." in card


async def test_what_failed_is_shown_without_its_secrets(room: Room) -> None:
    first = await room.ask()
    await settle_down(room)
    await room.strike(first, closed(RUNTIME, FaultKind.RUNTIME, f"refused {SECRETS[0]}"))
    await settle_down(room)
    assert "failed at" in room.seen()[0]
    assert "refused [redacted]. It keeps its place" in room.seen()[0]


async def test_why_a_session_had_its_task_raised_is_shown_without_its_secrets(room: Room) -> None:
    task = await room.ask()
    raised = replace(task.route, reason=f"raised from Sonnet by the session: {SECRETS[0]} is refused")
    await room.store.queue.reroute(task.id, None, None, raised, "onequeue", room.clock.now())
    await settle_down(room)
    assert "by the session: [redacted] is refused" in room.seen()[0]
    await room.answer(task)
    await settle_down(room)
    assert "by the session: [redacted] is refused" in room.seen()[1]
