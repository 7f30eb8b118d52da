"""The dead man's switch: a sign of life every minute, none while something is wrong, and never an error."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from bot.deadman import DeadMan
from tests.fakes.clock import FakeClock
from tests.fakes.leaping import LeapingClock

SECRET = "check-in-7f3a"


class Outside:
    """Somebody who waits for signs of life on loopback. `status` is what they answer."""

    def __init__(self) -> None:
        self.heard = asyncio.Semaphore(0)
        self.signs = 0
        self.status = 200
        self.url = ""

    async def sign(self, _: web.Request) -> web.Response:
        self.signs += 1
        self.heard.release()
        return web.Response(status=self.status)


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    there = Outside()
    app = web.Application()
    app.router.add_get(f"/{SECRET}", there.sign)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    try:
        yield there
    finally:
        await runner.cleanup()


async def test_a_sign_of_life_comes_every_minute() -> None:
    async with outside() as there:
        clock = FakeClock()
        running = asyncio.create_task(DeadMan(there.url, lambda: True, clock).run())
        try:
            for signs in (1, 2, 3):
                async with asyncio.timeout(10):
                    while not clock.sleeping:
                        await asyncio.wait({running}, timeout=0.01)
                    assert there.signs == signs - 1
                    clock.advance(timedelta(seconds=60))
                    await there.heard.acquire()
        finally:
            running.cancel()


async def test_there_is_none_while_something_is_wrong() -> None:
    async with outside() as there:
        sound = False
        switch = DeadMan(there.url, lambda: sound, LeapingClock())
        await switch.ping()
        assert there.signs == 0
        sound = True
        await switch.ping()
        assert there.signs == 1


async def test_failures_are_logged_once_and_never_raised(caplog: pytest.LogCaptureFixture) -> None:
    async with outside() as there:
        switch = DeadMan(there.url, lambda: True, LeapingClock())
        with caplog.at_level(logging.WARNING):
            there.status = 503
            for _ in range(3):
                await switch.ping()
            there.status = 200
            for _ in range(2):
                await switch.ping()
    assert [record.getMessage() for record in caplog.records] == [
        "the dead man's ping fails: HTTP 503",
        "the dead man's ping works again",
    ]


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{SECRET}", f"http://[::bad/{SECRET}"])
async def test_an_address_that_does_not_work_is_not_shown(url: str, caplog: pytest.LogCaptureFixture) -> None:
    await DeadMan(url, lambda: True, LeapingClock()).ping()
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert SECRET not in caplog.text
