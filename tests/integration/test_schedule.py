"""Ticks on the real scheduler."""

import asyncio

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
