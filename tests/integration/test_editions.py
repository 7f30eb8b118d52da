"""Days, weeks and channels, each told once: counted from a real ledger, on a moved clock."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch.delivery import Delivery, DeliveryKind
from dispatch.digest import Money
from dispatch.editions import Before, Edition
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.statements import migrations
from dispatch.task import NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import Price, Unpriced, Usage
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import FrontDesk, front_desk

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
TERMS = Terms(
    DEFAULT_TABLE, BERLIN, "COPS", time(9), weekly=True, channel_digests={"CPAY": BERLIN, "CTOK": TOKYO}
)
SUNDAY_NIGHT = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
"""Half past four in the afternoon in Berlin; in Tokyo Monday has begun."""
SATURDAY, SUNDAY, MONDAY = date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 23)


class Place:
    """A front desk that opened on Saturday, and what is due of it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.desk: FrontDesk = front_desk(store, clock, TERMS)

    async def spend(self, channel: str, price: Price | Unpriced, state: State = State.DONE) -> Task:
        """A task of the channel that ends now."""
        now = self.clock.now()
        new = NewTask(f"{channel}{now}{price}", Source.SLASH, "U1", "words", 5, channel=channel)
        await self.desk.dispatcher.submit(new)
        claim = await self.store.queue.claim(Tier.SONNET, Seating(9), now + LEASE, now)
        assert claim is not None
        line = await self.store.ledger.open(claim, "m", now)
        await self.store.ledger.book(
            line, model="m", request_id="r", usage=Usage(1, 1), price=price, estimated=False, now=now
        )
        verdict = Verdict.ANSWERED if state is State.DONE else Verdict.FAILED
        return await self.store.queue.settle(claim, Outcome(verdict, "done"), Settlement(state), now)

    async def told(self) -> list[tuple[str, str, str, str]]:
        """The digests that are due: edition, channel, first and last day."""
        due = await self.store.outbox.due(self.clock.now(), 1000)
        return [_shown(one) for one in due if one.kind is DeliveryKind.DIGEST]

    async def tick(self, at: datetime) -> list[tuple[str, str, str, str]]:
        """What is told newly once it is that time."""
        before = await self.told()
        self.clock.advance(at - self.clock.now())
        await self.desk.books.tell_digest()
        await self.desk.books.tell_digest()
        return [one for one in await self.told() if one not in before]


def _shown(delivery: Delivery) -> tuple[str, str, str, str]:
    body = json.loads(delivery.body)
    return body["edition"], delivery.channel, body["first"], body["last"]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    clock = FakeClock()
    clock.advance(SUNDAY_NIGHT - timedelta(hours=5) - clock.now())
    made = Place(store, clock)
    await made.desk.books.open()
    yield made
    await store.close()


async def test_each_is_told_once_in_its_own_morning(place: Place) -> None:
    assert await place.tick(SUNDAY_NIGHT) == []
    assert await place.tick(datetime(2026, 11, 23, 0, 0, tzinfo=UTC)) == [
        ("channel", "CTOK", str(SUNDAY), str(SUNDAY))
    ]
    assert await place.tick(datetime(2026, 11, 23, 7, 59, tzinfo=UTC)) == []
    assert sorted(await place.tick(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))) == [
        ("channel", "CPAY", str(SUNDAY), str(SUNDAY)),
        ("daily", "COPS", str(SUNDAY), str(SUNDAY)),
        ("weekly", "COPS", str(SUNDAY - timedelta(days=6)), str(SUNDAY)),
    ]
    assert await place.tick(datetime(2026, 11, 23, 23, 59, tzinfo=UTC)) == []


async def test_after_downtime_days_are_told_together_and_of_weeks_only_the_newest(place: Place) -> None:
    monday = MONDAY + timedelta(days=14)
    last = str(monday - timedelta(days=1))
    assert sorted(await place.tick(datetime(2026, 12, 7, 9, 0, tzinfo=UTC))) == [
        ("channel", "CPAY", str(SUNDAY), last),
        ("channel", "CTOK", str(SUNDAY), last),
        ("daily", "COPS", str(SUNDAY), last),
        ("weekly", "COPS", str(monday - timedelta(days=7)), last),
    ]


async def test_a_restart_tells_nothing_twice(place: Place) -> None:
    at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert await place.tick(at) != []
    place.desk = front_desk(place.store, place.clock, TERMS)
    await place.desk.books.open()
    assert await place.tick(at) == []


async def test_nothing_is_told_of_days_before_the_first_start_however_early_that_is(tmp_path: Path) -> None:
    store, clock = await Store.open(tmp_path / "onequeue.db"), FakeClock()
    clock.advance(datetime(2026, 11, 23, 0, 30, tzinfo=UTC) - clock.now())
    place = Place(store, clock)
    await place.desk.books.open()
    assert await place.tick(datetime(2026, 11, 23, 12, 0, tzinfo=UTC)) == []
    assert ("daily", "COPS", str(MONDAY), str(MONDAY)) in await place.tick(
        datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    )
    await store.close()


async def test_one_that_is_posted_by_hand_covers_the_days_missed_before_it(place: Place) -> None:
    place.clock.advance(datetime(2026, 11, 26, 7, 0, tzinfo=UTC) - place.clock.now())
    last = MONDAY + timedelta(days=2)
    assert await place.desk.books.post_digest(last)
    assert ("daily", "COPS", str(SUNDAY), str(last)) in await place.told()
    for told in (last, MONDAY, SATURDAY):
        assert not await place.desk.books.post_digest(told)
    newly = await place.tick(datetime(2026, 11, 26, 12, 0, tzinfo=UTC))
    assert [one for one in newly if one[0] == "daily"] == []


async def test_a_channels_digest_is_the_sum_of_its_own_cards_in_its_own_day(place: Place) -> None:
    await place.spend("CTOK", Price(1_000_000, "v"))
    place.clock.advance(SUNDAY_NIGHT - place.clock.now())
    prices: list[Price | Unpriced] = [Price(470_000, "v"), Price(3, "v"), Unpriced("new model")]
    states = [State.DONE, State.FAILED, State.DONE]
    cards = [await place.spend("CTOK", price, state) for price, state in zip(prices, states, strict=True)]
    await place.spend("CPAY", Price(90_000_000, "v"))
    numbers = [card.id for card in cards]
    stored = [await place.store.queue.task(number) for number in numbers]
    digest = await place.desk.books.digest(MONDAY, MONDAY, "CTOK")
    assert digest.total == Money(sum(card.cost_micro_usd for card in stored), 1) == Money(470_003, 1)
    assert digest.ended == {State.DONE: 2, State.FAILED: 1}
    assert [task.id for task, _ in digest.dearest] == numbers
    assert [party.name for party in digest.channels] == ["CTOK"]
    assert digest.undelivered == Money(3)
    assert digest.chart[-1].by_tier == {Tier.SONNET: Money(470_003, 1)}
    assert digest.chart[-2].by_tier == {Tier.SONNET: Money(1_000_000)}, "Sunday, in Tokyo"
    assert digest.findings.pace is None
    assert (await place.desk.books.digest(SUNDAY, SUNDAY, "CPAY")).total == Money(90_000_000)
    everything = await place.desk.books.digest(SUNDAY, SUNDAY)
    assert everything.total == Money(91_470_003, 1)


async def test_only_open_tasks_of_the_channel_count_as_open(place: Place) -> None:
    for number, channel in enumerate(["CTOK", "CPAY", "CPAY"]):
        await place.desk.dispatcher.submit(
            NewTask(f"k{number}", Source.SLASH, "U1", "words", 5, channel=channel)
        )
    assert (await place.desk.books.digest(MONDAY, MONDAY, "CPAY")).open == 2
    assert (await place.desk.books.digest(MONDAY, MONDAY)).open == 3


async def test_a_channel_is_held_against_its_own_days_and_the_team_against_all(place: Place) -> None:
    for _ in range(6):
        await place.spend("CPAY", Price(1_000_000, "v"))
        place.clock.advance(timedelta(days=1))
    await place.spend("CPAY", Price(9_000_000, "v"))
    today = place.desk.books.today()
    (mine,) = (await place.desk.books.digest(today, today, "CPAY")).findings.outliers
    assert (mine.scope, mine.micro_usd, mine.usual_micro_usd) == ("all", 9_000_000, 1_000_000)
    all_of_it = (await place.desk.books.digest(today, today)).findings
    assert {one.scope for one in all_of_it.outliers} == {"all", "tier:sonnet", "channel:CPAY", "person:U1"}
    assert all_of_it.pace is not None
    assert all_of_it.pace.daily_micro_usd == 15_000_000 // 7
    other = await place.desk.books.digest(today, today, "CTOK")
    assert other.findings.outliers == ()


async def test_the_week_before_is_counted_by_itself(place: Place) -> None:
    await place.spend("CPAY", Price(5, "v"))
    place.clock.advance(timedelta(days=7))
    await place.spend("CPAY", Price(7, "v"))
    week = SUNDAY + timedelta(days=1), SUNDAY + timedelta(days=7)
    assert (await place.desk.books.digest(*week)).total == Money(7)
    assert await place.desk.books.week_before(*week) == Before({Tier.SONNET: Money(5)}, {State.DONE: 1})


async def test_what_an_older_onequeue_told_stays_told(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    old = next(number for number, text in enumerate(migrations()) if "digest_new" in text)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for script in migrations()[:old]:
            raw.executescript(script)
        raw.execute("INSERT INTO digest (channel, day, told_at) VALUES ('COPS', '2026-11-21', 5)")
        raw.execute(f"PRAGMA user_version = {old}")
    store = await Store.open(path)
    assert await store.digests.last_day(Edition.DAILY, "COPS") == SATURDAY
    assert await store.digests.last_day(Edition.WEEKLY, "COPS") is None
    await store.close()
