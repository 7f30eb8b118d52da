"""The worker while the database refuses or is slow: what a session came to is kept until it is written."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.budget import Purse
from dispatch.errors import StoreUnusable
from dispatch.faults import Fault, FaultKind
from dispatch.gates import Gate, GateState
from dispatch.policy import Seating, Settlement
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.gates import SqliteGates
from dispatch.store.queue import SqliteQueue
from dispatch.task import Claim, Outcome, Task, Tier, Verdict
from dispatch.worker import LEASE
from tests.integration.work_room import Place


class RefusingQueue(SqliteQueue):
    """A queue whose database takes no settlement while it is `full`, and that nothing can be claimed from
    while it is `broken`."""

    full = True
    broken = False

    async def release(self, purse: Purse, seats: Mapping[Tier, int], now: datetime) -> int:
        if self.broken:
            raise ZeroDivisionError("a defect")
        return await super().release(purse, seats, now)

    async def claim(
        self, tier: Tier, seating: Seating, lease_until: datetime, now: datetime, purse: Purse | None = None
    ) -> Claim | None:
        if self.broken:
            raise ZeroDivisionError("a defect")
        return await super().claim(tier, seating, lease_until, now, purse)

    async def settle(self, claim: Claim, outcome: Outcome, settlement: Settlement, now: datetime) -> Task:
        if self.full:
            raise StoreUnusable("onequeue.db: the disk is full")
        return await super().settle(claim, outcome, settlement, now)


class SlowGates(SqliteGates):
    """Gates whose reader learns only when `told` how they were."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.database)
        self.reading = asyncio.Event()
        self.told = asyncio.Event()

    async def all(self) -> Mapping[str, Gate]:
        found = await super().all()
        self.reading.set()
        await self.told.wait()
        return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    place = Place(store)
    loop = asyncio.create_task(place.worker.run())
    yield place
    await place.worker.drain(timedelta(0))
    await loop
    await store.close()


async def test_an_answer_that_cannot_be_settled_for_longer_than_a_lease_is_not_run_again(
    place: Place,
) -> None:
    place.worker._queue = queue = RefusingQueue(place.store.database)
    number = await place.add()
    await place.seats.wait_started(1)
    place.seats.end(number)
    async with asyncio.timeout(5):
        while place.gateway.inside or not place.clock.sleeping:
            await queue.counts()
    place.clock.advance(2 * LEASE)
    assert await queue.sweep(place.clock.now(), place.worker.alive) == 0
    queue.full = False
    place.clock.advance(timedelta(seconds=1))
    await place.idle()
    assert await place.state(number) is State.DONE
    assert [attempt.text for attempt in await queue.attempts(number)] == ["42"]


async def test_no_probe_goes_while_a_fault_at_its_gate_is_being_settled(place: Place) -> None:
    limited = Outcome(Verdict.FAILED, fault=Fault(FaultKind.RATE_LIMITED, retry_after=60))
    first, second = await place.add(4), await place.add(4)
    await place.seats.wait_started(2)
    place.seats.end(first, limited)
    await place.until(first, State.QUEUED)
    place.worker._gates = slow = SlowGates(place.store)
    place.clock.advance(timedelta(minutes=2))
    place.seats.end(second, limited)
    async with asyncio.timeout(5):
        await slow.reading.wait()
    place.worker.wake()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await place.until(first, State.RUNNING)
    slow.told.set()
    await place.until(second, State.QUEUED)
    gate = (await place.store.gates.all())["opus"]
    assert (gate.state, gate.suspect) == (GateState.CLOSED, second)
    assert await place.state(first) is State.QUEUED, "it waits with the others until the new time"


async def test_a_defect_met_while_claiming_does_not_end_the_claiming(place: Place) -> None:
    place.worker._queue = queue = RefusingQueue(place.store.database)
    queue.broken = True
    number = await place.add()
    for _ in range(5):
        place.worker.wake()
        await queue.counts()
    assert await place.state(number) is State.QUEUED
    queue.full = queue.broken = False
    place.worker.wake()
    await place.until(number, State.RUNNING)
