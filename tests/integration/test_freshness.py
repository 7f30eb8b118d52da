"""Cards in line are edited in place when what they say of their place is no longer so, a few at a time."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.courier import Courier
from bot.freshness import AT_ONCE, EVERY, Freshness, Seen, is_stale
from bot.letters import Letters
from bot.postman import Postman
from bot.previewing import Previewing
from bot.traffic import PROGRESS_PACE
from dispatch.forecaster import Forecaster, Spot
from dispatch.task import Task
from dispatch.usage import Price, Usage
from tests.integration.post_room import SECRETS, TERMS, Room, digest, post_room, settle_down
from tests.integration.work_room import FakeNotifier

PLACE = re.compile(r"(next|\d+\w\w) in line")


class Line:
    """A room whose cards are kept fresh."""

    def __init__(self, room: Room) -> None:
        self.room = room
        store = room.store
        letters = Letters(store.queue, store.gates, room.chat, digest, TERMS, SECRETS)
        previewing = Previewing(store.previews, store.queue, room.chat, room.clock)
        postman = Postman(letters, store.outbox, store.queue, room.chat, previewing, room.clock)
        room.courier = Courier(store.outbox, store.queue, room.chat, postman, room.clock)
        self.shown = letters.shown
        self.notifier = FakeNotifier()
        forecaster = Forecaster(store.queue, store.gates, TERMS)
        self.freshness = Freshness(store.queue, forecaster, letters.shown, self.notifier, room.clock, TERMS)

    async def ask(self, count: int) -> list[Task]:
        """So many tasks of one priority, whose cards are seen."""
        tasks = [await self.room.ask(words=f"task {number}") for number in range(count)]
        await settle_down(self.room)
        return tasks

    async def refresh(self) -> int:
        """One look at the line; how many cards were edited, and all of them in place."""
        posts, edits = len(self.room.posts()), self.room.calls("chat.update")
        await self.freshness.refresh()
        await settle_down(self.room)
        assert len(self.room.posts()) == posts
        return self.room.calls("chat.update") - edits

    def says(self) -> dict[int, tuple[int, str]]:
        """What is known of the place and start that each card shows."""
        return {number: (seen.ahead, seen.starts) for number, seen in self.shown.items()}

    def places(self) -> list[str]:
        """What each card says of its place, in the order of their numbers."""
        return [found[1] if (found := PLACE.search(card)) else "" for card in self.room.seen()]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with post_room(tmp_path) as room:
        yield Line(room)


async def test_when_one_starts_the_others_move_up_nearest_first(line: Line) -> None:
    tasks = await line.ask(6)
    assert line.places() == ["next", "2nd", "3rd", "4th", "5th", "6th"]
    await line.room.claim(tasks[0])
    await settle_down(line.room)
    assert line.places() == ["", "2nd", "3rd", "4th", "5th", "6th"]
    assert await line.refresh() == AT_ONCE
    assert line.places() == ["", "next", "2nd", "4th", "5th", "6th"]
    assert [await line.refresh() for _ in range(3)] == [AT_ONCE, 1, 0]
    assert line.places() == ["", "next", "2nd", "3rd", "4th", "5th"]


async def test_a_line_that_does_not_move_is_left_alone(line: Line) -> None:
    await line.ask(4)
    before = line.notifier.woken
    line.room.clock.advance(EVERY)
    assert await line.refresh() == 0
    assert line.notifier.woken == before


async def test_what_is_left_of_the_day_is_told_anew_when_it_is_off_by_more_than_a_little(line: Line) -> None:
    first, _ = await line.ask(2)
    claim, ledger, now = await line.room.claim(first), line.room.store.ledger, line.room.clock.now()
    await settle_down(line.room)
    while await line.refresh():
        pass
    assert "$100 of today's $100 left" in line.room.seen()[1]
    for micro_usd, edited in ((4_000_000, 0), (4_000_000, 1), (0, 0)):
        booking = await ledger.open(claim, "model", now)
        price = Price(micro_usd, "test")
        await ledger.book(
            booking, model="model", request_id="r", usage=Usage(), price=price, estimated=False, now=now
        )
        assert await line.refresh() == edited
    assert "$92 of today's $100 left" in line.room.seen()[1]


async def test_after_a_restart_every_card_in_line_is_looked_at_once(line: Line) -> None:
    await line.ask(3)
    line.shown.clear()
    assert [await line.refresh() for _ in range(3)] == [AT_ONCE, 1, 0]


async def test_who_has_no_card_is_passed_over(line: Line) -> None:
    for _ in range(3):
        await line.room.ask(channel="")
    (last,) = await line.ask(1)
    assert line.places() == ["4th"]
    line.shown.clear()
    assert await line.refresh() == 1
    assert line.says() == {last.id: (3, "")}


async def test_what_is_no_longer_queued_is_forgotten(line: Line) -> None:
    (task,) = await line.ask(1)
    assert line.says() == {task.id: (0, "starts soon")}
    await line.room.claim(task)
    await settle_down(line.room)
    assert line.shown == {}


def test_edits_of_places_leave_room_for_those_of_progress() -> None:
    assert timedelta(minutes=1) / EVERY * AT_ONCE <= PROGRESS_PACE[0] / 2


@pytest.mark.parametrize(
    ("ahead", "now", "stale"),
    [(3, 3, False), (4, 3, True), (100, 97, False), (100, 90, True), (40, 38, True)],
)
def test_far_back_a_place_may_be_a_little_old(ahead: int, now: int, stale: bool) -> None:
    assert is_stale(Seen(ahead, ""), Spot(1, now, None, carded=True)) is stale


def test_another_start_is_always_told() -> None:
    soon = Spot(1, 3, timedelta(seconds=5), carded=True)
    assert is_stale(Seen(3, "starts in ~6 min"), soon)
    assert not is_stale(Seen(3, "starts soon"), soon)
    assert is_stale(None, soon)
