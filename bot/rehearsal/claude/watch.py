"""Waiting until something has happened, without looking again and again."""

import asyncio
from collections.abc import Callable


class Watch:
    """Wakes those who wait for a condition whenever something changed."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def changed(self) -> None:
        """Wakes everyone whose condition now holds."""
        for holds, future in self._waiting:
            if not future.done() and holds():
                future.set_result(None)

    async def until(self, holds: Callable[[], bool], seconds: float) -> None:
        """Returns when `holds()`. Raises TimeoutError after so many seconds."""
        if holds():
            return
        entry = (holds, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(seconds):
                await entry[1]
        finally:
            self._waiting.remove(entry)
