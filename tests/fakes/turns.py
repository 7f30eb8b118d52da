"""Turns of the event loop, for tests that begin something and go on beside it."""

import asyncio


async def turn() -> None:
    """Lets all that is ready go on."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    loop.call_soon(passed.set_result, None)
    await passed
