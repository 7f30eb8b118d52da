"""What a session is told, first and while it runs, and whether it has read that."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from dispatch.closing import finished
from dispatch.ports import Clock, Session
from dispatch.runners.claude_code.command import request
from dispatch.runners.claude_code.permits import Tell
from dispatch.transcript import PEOPLE, Kind

EACH: Final = 3.0
"""Seconds between two looks at whether something has been said."""


class Hearing:
    """Tells one session its prompt and what people say meanwhile.

    A program that does not say what it has begun to read is told nothing more: nobody would know when its
    session has ended.
    """

    def __init__(self, session: Session, tell: Tell, clock: Clock) -> None:
        self._session = session
        self._tell = tell
        self._clock = clock
        self._says_what_it_reads = False
        self._unread: set[str] = set()
        self._closed = False
        self._turn = asyncio.Lock()

    @property
    def is_unread(self) -> bool:
        """Whether the session has been told something that it has not begun to read, as far as it says so."""
        return self._says_what_it_reads and bool(self._unread)

    async def begin(self) -> None:
        """Tells it the prompt."""
        await self._send(self._session.prompt)

    def take(self, event: Mapping[str, Any]) -> None:
        """Reads the next of the session's events."""
        match event:
            case {"type": "command_lifecycle", "command_uuid": str(number), "state": str(state)}:
                if state != "queued" and number in self._unread:
                    self._unread.remove(number)
                    self._says_what_it_reads = True

    async def look(self) -> None:
        """Tells it what has been said, if anything has."""
        async with self._turn:
            if self._closed or not self._says_what_it_reads or self._session.access.is_paused():
                return
            if said := await self._session.hear():
                self._session.recorder.add(PEOPLE, Kind.SAID, said)
                await self._send(said)

    def close(self) -> None:
        """Tells it nothing more: it has ended, or is to."""
        self._closed = True

    async def looked(self) -> None:
        """Returns once no look is under way, so that it is known whether the session goes on."""
        async with self._turn:
            pass

    async def listen(self) -> None:
        """Looks again and again, until cancelled. What a look has taken up is told whatever happens."""
        while True:
            await finished(self.look())
            await self._clock.sleep(EACH)

    async def _send(self, words: str) -> None:
        number = str(uuid4())
        self._unread.add(number)
        await self._tell(request(words, number))
