"""Lines of the ledger that cannot be closed at once are closed later, and none is lost without a word."""

import asyncio
from pathlib import Path

import pytest

from bot.rehearsal.claude import ClaudeSim, Step
from dispatch.errors import StoreError
from dispatch.store.ledger import SqliteLedger
from dispatch.task import Claim
from tests.integration.gateway_room import (
    HALF_HELD,
    GatewayRoom,
    Reader,
    ask,
    gateway_room,
    price,
    room,
    room_over,
    sdk,
    sim,
    usage_of,
)

__all__ = ["room", "sim"]


async def writable(room: GatewayRoom, yes: bool) -> None:
    """Whether the database takes writes: stands for a disk that is full."""
    writer = room.store.database._writer
    assert writer is not None
    await writer.execute_fetchall(f"PRAGMA query_only = {'OFF' if yes else 'ON'}")


class Attempt:
    """One request whose answer comes in full while nothing can be written."""

    def __init__(self, room: GatewayRoom, sim: ClaudeSim, claim: Claim) -> None:
        self.room, self.sim, self.claim = room, sim, claim
        self.answered = asyncio.Event()
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        self.sim.script([Step((HALF_HELD,))])
        self.sim.hold()
        async with self.room.gateway.admit(self.claim) as access, sdk(access) as client:
            reader = Reader(client)
            await reader.halfway()
            await writable(self.room, False)
            self.sim.release()
            assert await reader.end() is None, "the session has its answer all the same"
            self.answered.set()


async def assert_booked_as_served(room: GatewayRoom, sim: ClaudeSim) -> None:
    lines = await room.booked()
    assert [(line.usage, line.price) for line in lines] == [
        (usage_of(one), price(one.model, usage_of(one))) for one in sim.served
    ]
    assert await room.still_open() == 0


async def test_an_attempt_ends_only_when_its_lines_are_closed(room: GatewayRoom, sim: ClaudeSim) -> None:
    attempt = Attempt(room, sim, await room.claim())
    await attempt.answered.wait()
    await asyncio.wait({attempt.running}, timeout=0.1)
    assert not attempt.running.done()
    assert await room.booked() == []
    await writable(room, True)
    await attempt.running
    await assert_booked_as_served(room, sim)


async def test_one_that_is_cancelled_meanwhile_ends_and_is_booked_later(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    attempt = Attempt(room, sim, await room.claim())
    await attempt.answered.wait()
    await asyncio.wait({attempt.running}, timeout=0.1)
    attempt.running.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({attempt.running})
        assert attempt.running.cancelled()
        await writable(room, True)
        while not await room.booked():
            await room.store.queue.counts()
    await assert_booked_as_served(room, sim)


async def test_no_new_request_is_sent_before_the_last_one_is_booked(
    room: GatewayRoom, sim: ClaudeSim
) -> None:
    claim = await room.claim()
    async with room.gateway.admit(claim) as access, sdk(access) as client:
        sim.script([Step((HALF_HELD,))])
        sim.hold()
        reader = Reader(client)
        await reader.halfway()
        await writable(room, False)
        sim.release()
        assert await reader.end() is None
        with pytest.raises(Exception, match="the ledger is out of use"):
            await ask(client)
        assert len(sim.served) == 1
        await writable(room, True)
        await ask(client)
    await assert_booked_as_served(room, sim)


async def test_closing_the_gateway_does_not_wait_for_room(
    sim: ClaudeSim, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(10), room_over(sim, tmp_path) as room:
        attempt = Attempt(room, sim, await room.claim())
        await attempt.answered.wait()
        await asyncio.wait({attempt.running}, timeout=0.1)
        attempt.running.cancel()
        await asyncio.wait({attempt.running})
    assert "is not closed yet" in caplog.text
    assert str(usage_of(sim.served[0])) in caplog.text


class Refusing(SqliteLedger):
    """Refuses to book for good."""

    async def book(self, booking_id: int, **_: object) -> None:
        raise StoreError("SQLite refused a statement")


async def test_a_line_that_is_refused_for_good_holds_nobody_up(
    sim: ClaudeSim, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with asyncio.timeout(10), gateway_room(tmp_path, sim.url, sim.key, ledger=Refusing) as room:
        async with room.gateway.admit(await room.claim()) as access, sdk(access) as client:
            await ask(client)
        assert await room.still_open() == 1
    assert "cannot be closed" in caplog.text
    assert str(usage_of(sim.served[0])) in caplog.text
