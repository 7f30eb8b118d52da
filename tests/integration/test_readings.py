"""What the watch reads, and that nothing it reads can keep it from looking."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.readings import Instruments, disk_of
from dispatch.alarms import Disk
from dispatch.gates import Gate
from dispatch.store.database import Transaction
from dispatch.task import Tier
from tests.integration.post_room import Room, post_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with post_room(tmp_path) as made:
        yield made


def instruments(room: Room, disk: Disk | None = None) -> Instruments:
    store = room.store
    return Instruments(store.queue, store.gates, store.alarms, lambda: disk, room.clock, patience=0.2)


async def test_everything_is_read_as_of_now(room: Room) -> None:
    await room.claim(await room.ask())
    await room.ask()
    reading = await instruments(room, Disk(1, 2)).read(2)
    assert reading.queue is not None
    assert [line.tier for line in reading.queue.waiting] == [Tier.OPUS]
    assert [running.task.id for running in reading.queue.under_way] == [1]
    assert (reading.now, reading.connected, reading.disk) == (room.clock.now(), 2, Disk(1, 2))
    assert reading.store_error is None


async def test_a_database_that_hangs_is_out_of_use_until_it_answers(room: Room) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def hangs(_: Transaction) -> None:
        begun.set()
        await go_on.wait()

    hanging = asyncio.create_task(room.store.database.write(hangs))
    await begun.wait()
    looking = instruments(room)
    for _ in range(2):
        reading = await looking.read(2)
        assert reading.store_error == "the database has not answered for 0.2 s"
        assert reading.queue is not None, "it can still be read"
    go_on.set()
    await hanging
    assert (await looking.read(2)).store_error is None


async def test_what_nobody_foresaw_is_an_error_of_the_database_too(room: Room) -> None:
    strange = {**asdict(Gate("opus")), "fault": "unheard of"}
    await room.store.database.write(lambda transaction: transaction.rows("put_gate", **strange))
    reading = await instruments(room).read(2)
    assert reading.queue is None
    assert "unheard of" in str(reading.store_error)


def test_the_disk_is_the_one_the_database_is_on(tmp_path: Path) -> None:
    disk = disk_of(tmp_path / "onequeue.db")
    assert disk is not None
    assert 0 < disk.free <= disk.total
    assert disk_of(tmp_path / "nowhere" / "onequeue.db") is None
