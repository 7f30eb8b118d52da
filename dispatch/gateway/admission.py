"""What one attempt has under way at the gateway."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import ParamSpec, TypeVar

from aiohttp import web

from dispatch.gateway.account import Account
from dispatch.gateway.passage import Passage
from dispatch.ports import Approve, Heard, Pause, Tool

_Given = ParamSpec("_Given")
_Told = TypeVar("_Told")


class Admission:
    """One attempt's way in, until it is closed. `paused` once one of its tools has paused its session."""

    def __init__(self, account: Account, tools: tuple[Tool, ...], approve: Approve) -> None:
        self.account = account
        self.tools = tuple(replace(tool, call=self._pausing(tool.call)) for tool in tools)
        self.approve = self._pausing(approve)
        self.paused = False
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

    def _pausing(
        self, ask: Callable[_Given, Awaitable[_Told]]
    ) -> Callable[_Given, Coroutine[None, None, _Told]]:
        async def asked(*given: _Given.args, **named: _Given.kwargs) -> _Told:
            try:
                return await ask(*given, **named)
            except Pause:
                self.paused = True
                raise

        return asked

    def _forget(self, running: asyncio.Task[web.StreamResponse]) -> None:
        del self._under_way[running]
        if not running.cancelled():
            running.exception()
