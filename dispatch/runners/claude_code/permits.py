"""Asks people for what a session may not do by itself, and tells the session what they say."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from dispatch.ports import Access, Pause
from dispatch.questions import PUT_ASIDE, Ruling
from dispatch.runners.claude_code.command import Asked
from dispatch.runners.claude_code.consent import Wanted, allowed, denied, exactly, wanted

Tell = Callable[[Mapping[str, object]], Awaitable[None]]
"""Sends the session a message."""

_log = logging.getLogger(__name__)


class Permits:
    """Answers one session's requests to be allowed something, one after the other.

    `granted` is the action that an answer given meanwhile allows once. `waits_for` is the action that the
    session was put aside with, empty where there is none.
    """

    def __init__(self, access: Access, asked: Asked, place: Path, granted: str, tell: Tell) -> None:
        self.waits_for = ""
        self._access = access
        self._asked = asked
        self._place = place
        self._granted = granted
        self._tell = tell
        self._turn = asyncio.Lock()
        self._answering: set[asyncio.Task[None]] = set()

    def take(self, event: Mapping[str, Any]) -> None:
        """Begins to answer, if that is such a request. Returns at once."""
        asked = wanted(event)
        if asked is not None:
            answering = asyncio.create_task(self._answer(asked))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)

    async def close(self) -> None:
        """Answers nothing any more."""
        answering = list(self._answering)
        for one in answering:
            one.cancel()
        await asyncio.gather(*answering, return_exceptions=True)

    async def _answer(self, asked: Wanted) -> None:
        async with self._turn:
            try:
                ruling = await self._ruling(asked)
            except Exception:
                _log.exception("people could not be asked for %s", asked.tool)
                ruling = Ruling("Denied: people could not be asked. Do without it.", allows=False)
        await self._tell(allowed(asked) if ruling.allows else denied(asked, ruling.words))

    async def _ruling(self, asked: Wanted) -> Ruling:
        if self._access.approve is None or asked.tool not in self._asked.own_tools:
            return Ruling("Denied: this session may not do that.", allows=False)
        if self._access.is_paused():
            return Ruling(PUT_ASIDE, allows=False)
        action = exactly(asked, self._place)
        if action == self._granted:
            self._granted = ""
            return Ruling("", allows=True)
        try:
            return await self._access.approve(action, asked.reason)
        except Pause:
            self.waits_for = action
            return Ruling(PUT_ASIDE, allows=False)
