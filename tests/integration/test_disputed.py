"""Costs that a session's own runtime names otherwise: counted and said, and never booked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.console import Console
from bot.printing import PRINTERS
from bot.views.bulletin import bulletin
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Outcome, Source, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import FrontDesk, front_desk

UTC = ZoneInfo("UTC")
BOOKED = 470_000


class Place:
    """A front desk on a store, at noon."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.desk: FrontDesk = front_desk(store, self.clock, Terms(DEFAULT_TABLE, UTC))
        self.console = Console(self.desk.dispatcher, self.desk.books, self.clock, 5, UTC, store)

    async def run(self, key: str, said_micro_usd: int | None) -> None:
        """A session that costs $0.47 by the ledger."""
        now = self.clock.now()
        await self.desk.dispatcher.submit(NewTask(key, Source.CLI, "cli:ana", "words", 5))
        claim = await self.store.queue.claim(Tier.SONNET, Seating(9), now + LEASE, now)
        assert claim is not None
        line = await self.store.ledger.open(claim, "m", now)
        usage, price = Usage(1, 1), Price(BOOKED, "v")
        await self.store.ledger.book(
            line, model="m", request_id=key, usage=usage, price=price, estimated=False, now=now
        )
        outcome = Outcome(Verdict.ANSWERED, "done", said_micro_usd=said_micro_usd)
        await self.store.queue.settle(claim, outcome, Settlement(State.DONE), now)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Place(store)
    await store.close()


async def test_they_are_counted_on_the_day_they_ended_and_change_no_sum(place: Place) -> None:
    for key, said in (("a", 520_000), ("b", BOOKED), ("c", None), ("d", 400_000)):
        await place.run(key, said)
    today = place.desk.books.today()
    assert await place.desk.books.disputed(today, today) == [1, 4]
    cost = await place.console.ask("cost", {"period": "today"})
    assert (cost["cost_micro_usd"], cost["disputed"]) == (4 * BOOKED, [1, 4])
    digest = await place.console.ask("digest", {"date": today.isoformat()})
    assert (digest["cost_micro_usd"], digest["disputed"]) == (4 * BOOKED, [1, 4])
    line = "2 sessions whose runtime names another cost than was booked: #1, #4"
    assert line in PRINTERS["cost"](cost, UTC)
    assert "for 4 tasks" in PRINTERS["cost"](cost, UTC)
    assert line in PRINTERS["digest"](digest, UTC)
    told = bulletin(await place.desk.books.digest(today, today), dict.fromkeys((1, 2, 3, 4), ""), so_far=True)
    assert f"{line}." in str(told.blocks)

    place.clock.advance(timedelta(days=1))
    tomorrow = place.desk.books.today()
    assert await place.desk.books.disputed(tomorrow, tomorrow) == []
    assert await place.desk.books.disputed(today, tomorrow) == [1, 4]
    quiet = await place.desk.books.digest(tomorrow, tomorrow)
    assert "another cost" not in str(bulletin(quiet, {}, so_far=True).blocks)
