"""Where Onequeue is told to stop: what has ended is settled, what still runs goes back to the queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.budget import Purse
from dispatch.policy import Seating
from dispatch.ports import Access, Session
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.queue import SqliteQueue
from dispatch.task import Claim, Outcome, Tier, Verdict
from dispatch.work import Kept, Work
from dispatch.worker import LEASE
from tests.integration.test_worker_store import RefusingQueue
from tests.integration.work_room import FakeGateway, FakeSeats, Place

NOW, SOON, LONG = timedelta(0), timedelta(seconds=1.2), timedelta(seconds=60)


class Keeping(FakeSeats):
    """Seats that go on keeping what a session has left, as long as `kept` is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        self.kept = asyncio.Event()

    async def run(self, session: Session) -> Outcome:
        try:
            session.draft.outcome = await super().run(session)
        finally:
            self.ended.set()
            session.draft.work = Work("onequeue/1", " queue.py | 2 +-", Kept.BRANCH)
            await self.kept.wait()
        return session.draft.outcome


class SlowGateway(FakeGateway):
    """A gateway that books for as long as `booked` is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.booking = asyncio.Event()
        self.booked = asyncio.Event()
        self.whole = False

    @asynccontextmanager
    async def admit(self, claim: Claim) -> AsyncIterator[Access]:
        try:
            async with super().admit(claim) as access:
                yield access
        finally:
            self.booking.set()
            await self.booked.wait()
            self.whole = True


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "onequeue.db")
    yield opened
    await opened.close()


@asynccontextmanager
async def working(place: Place) -> AsyncIterator[int]:
    """One task under way; its number."""
    loop = asyncio.create_task(place.worker.run())
    number = await place.add()
    await place.seats.wait_started(1)
    yield number
    await loop


async def test_an_answer_whose_work_is_still_being_kept_is_settled(store: Store) -> None:
    seats = Keeping()
    place = Place(store, seats=seats)
    async with working(place) as number:
        seats.end(number)
        await seats.ended.wait()
        await place.worker.drain(NOW, LONG, SOON)
    assert await place.state(number) is State.DONE
    (attempt,) = await store.queue.attempts(number)
    assert (attempt.verdict, attempt.text) == (Verdict.ANSWERED, "42")
    assert attempt.work is not None
    seats.kept.set()


async def test_an_answer_that_is_still_being_booked_is_settled(store: Store) -> None:
    gateway = SlowGateway()
    place = Place(store, gateway=gateway)
    async with working(place) as number:
        place.seats.end(number)
        await gateway.booking.wait()
        await place.worker.drain(NOW, LONG, SOON)
    assert await place.state(number) is State.DONE
    gateway.booked.set()


async def test_an_answer_that_comes_while_it_is_being_kept_has_all_that_was_kept(store: Store) -> None:
    gateway = SlowGateway()
    place = Place(store, gateway=gateway)
    async with working(place) as number:
        place.seats.end(number)
        await gateway.booking.wait()
        draining = asyncio.create_task(place.worker.drain(NOW))
        gateway.booked.set()
        await draining
    (attempt,) = await store.queue.attempts(number)
    assert (attempt.verdict, gateway.whole) == (Verdict.ANSWERED, True)


async def test_one_that_waits_for_the_database_is_settled_once_that_takes_it(store: Store) -> None:
    place = Place(store)
    place.worker._queue = queue = RefusingQueue(store.database)
    async with working(place) as number:
        place.seats.end(number)
        async with asyncio.timeout(5):
            while place.gateway.inside or not place.clock.sleeping:
                await queue.counts()
        draining = asyncio.create_task(place.worker.drain(NOW))
        queue.full = False
        place.clock.advance(timedelta(seconds=1))
        await draining
    assert await place.state(number) is State.DONE


async def test_a_database_that_never_takes_it_does_not_hold_the_stop_up(store: Store) -> None:
    place = Place(store)
    place.worker._queue = RefusingQueue(store.database)
    async with working(place) as number:
        place.seats.end(number)
        await place.worker.drain(NOW, last_words=NOW)
    assert await place.state(number) is State.RUNNING
    assert place.worker.running == 0


async def test_a_session_that_is_cut_goes_back_with_its_work_named(store: Store) -> None:
    seats = Keeping()
    place = Place(store, seats=seats)
    async with working(place) as number:
        draining = asyncio.create_task(place.worker.drain(NOW, LONG, NOW))
        await seats.ended.wait()
        seats.kept.set()
        await draining
    assert await place.state(number) is State.QUEUED
    (attempt,) = await store.queue.attempts(number)
    assert (attempt.verdict, attempt.work is not None) == (Verdict.LOST, True)


async def test_one_whose_work_takes_too_long_goes_back_all_the_same(store: Store) -> None:
    seats = Keeping()
    place = Place(store, seats=seats)
    async with working(place) as number:
        await place.worker.drain(NOW, NOW, NOW)
    assert await place.state(number) is State.QUEUED
    seats.kept.set()


async def test_a_cancel_that_comes_after_the_answer_loses_neither(store: Store) -> None:
    gateway = SlowGateway()
    place = Place(store, gateway=gateway)
    async with working(place) as number:
        place.seats.end(number)
        await gateway.booking.wait()
        await store.queue.cancel(number, "UANA00001", place.clock.now())
        place.worker.interrupt(number)
        gateway.booked.set()
        await place.idle()
        await place.worker.drain(NOW)
    assert await place.state(number) is State.DONE
    assert (await store.queue.attempts(number))[0].text == "42"
    assert gateway.whole, "and nothing that it leaves"


async def test_what_is_claimed_while_it_stops_goes_back_before_it_costs(store: Store) -> None:
    place = Place(store)
    await place.worker.drain(NOW)
    number = await place.add()
    now = place.clock.now()

    class Stopping(SqliteQueue):
        async def claim(
            self,
            tier: Tier,
            seating: Seating,
            lease_until: datetime,
            now: datetime,
            purse: Purse | None = None,
        ) -> Claim | None:
            place.worker._claiming = False
            return await super().claim(tier, seating, lease_until, now, purse)

    place.worker._claiming, place.worker._queue = True, Stopping(store.database)
    await place.worker._claim_all()
    assert place.seats.started == []
    assert await place.state(number) is State.QUEUED
    assert await store.queue.sweep(now + 2 * LEASE) == 0
