"""What is done at an end, and done whole."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

_Result = TypeVar("_Result")


async def finished(work: Coroutine[None, None, _Result]) -> _Result:
    """What the work comes to. A cancellation meanwhile does not cut it and is passed on afterwards."""
    working, cancelled = asyncio.create_task(work), False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
    result = working.result()
    if cancelled:
        raise asyncio.CancelledError
    return result
