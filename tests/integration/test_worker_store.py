"""The worker while the database refuses: what a session came to is kept until it can be written."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dispatch.errors import StoreUnusable
from dispatch.policy import Settlement
from dispatch.store import Store
from dispatch.store.queue import SqliteQueue
from dispatch.task import Claim, Outcome, State, Task
from dispatch.worker import LEASE
from tests.integration.test_worker import Place


class RefusingQueue(SqliteQueue):
    """A queue whose database takes no settlement while it is `full`."""

    full = True

    async def settle(self, claim: Claim, outcome: Outcome, settlement: Settlement, now: datetime) -> Task:
        if self.full:
            raise StoreUnusable("onequeue.db: the disk is full")
        return await super().settle(claim, outcome, settlement, now)


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
