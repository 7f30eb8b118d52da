"""Ticks on the real scheduler."""

import asyncio
import logging

import pytest

from dispatch.schedule import Schedule, Tick


async def test_whatever_gives_something_to_await_is_awaited() -> None:
    ticked = [asyncio.Event(), asyncio.Event()]

    async def tick(number: int) -> None:
        ticked[number].set()

    async def plain() -> None:
        await tick(0)

    schedule = Schedule([Tick("plain", 0.01, plain), Tick("wrapped", 0.01, lambda: tick(1))])
    schedule.start()
    async with asyncio.timeout(10):
        for event in ticked:
            await event.wait()
    schedule.stop()


async def test_a_tick_under_way_at_the_stop_is_cancelled_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun: asyncio.Future[asyncio.Task[None] | None] = asyncio.get_running_loop().create_future()

    async def endless() -> None:
        begun.set_result(asyncio.current_task())
        await asyncio.Event().wait()

    schedule = Schedule([Tick("endless", 0.01, endless)])
    with caplog.at_level(logging.INFO, "dispatch"):
        schedule.start()
        async with asyncio.timeout(10):
            ticking = await begun
            assert ticking
            schedule.stop()
            await asyncio.wait({ticking})
    assert not caplog.records


async def test_a_tick_that_fails_is_told_once_and_ticks_again(caplog: pytest.LogCaptureFixture) -> None:
    again, ticks = asyncio.Event(), 0

    async def broken() -> None:
        nonlocal ticks
        ticks += 1
        if ticks == 2:
            again.set()
            return
        raise ValueError("no disk")

    schedule = Schedule([Tick("broken", 0.01, broken)])
    schedule.start()
    async with asyncio.timeout(10):
        await again.wait()
    schedule.stop()
    assert [record.getMessage() for record in caplog.records] == ["tick broken failed"]
