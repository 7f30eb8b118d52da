"""What one attempt has under way at the gateway."""

import asyncio

from aiohttp import web

from dispatch.gateway.account import Account
from dispatch.gateway.passage import Passage
from dispatch.ports import Heard, Tool


class Admission:
    """One attempt's way in, until it is closed."""

    def __init__(self, account: Account, tools: tuple[Tool, ...]) -> None:
        self.account = account
        self.tools = tools
        self.heard = Heard()
        self._under_way: dict[asyncio.Task[web.StreamResponse], Passage] = {}

    async def run(self, passage: Passage) -> web.StreamResponse:
        """The passage's answer. Cancelling it, as when the session hangs up, cuts the passage."""
        running = asyncio.create_task(passage.run())
        self._under_way[running] = passage
        running.add_done_callback(self._forget)
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            passage.cut()
            raise
        return running.result()

    async def close(self) -> None:
        """Cuts everything under way and returns when all of it is booked, even if cancelled meanwhile."""
        for passage in self._under_way.values():
            passage.cut()
        cancelled = False
        while self._under_way:
            try:
                await asyncio.wait(self._under_way)
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    def _forget(self, running: asyncio.Task[web.StreamResponse]) -> None:
        del self._under_way[running]
        if not running.cancelled():
            running.exception()
