"""A runner that has what happens in its sessions taken down and stored."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from dispatch.closing import finished
from dispatch.errors import OnequeueError
from dispatch.ports import Clock, Runner, Session, Transcripts
from dispatch.task import Outcome
from dispatch.transcript import Entry, Kind, Room

STORED_EACH = 2.0
"""Seconds. What is told within them is stored together."""

BATCH = 200_000
"""Bytes that are stored together at most, so that no other write waits long."""

_MOST = 500
_KEY = "[key of this attempt]"
_log = logging.getLogger(__name__)


class Transcribed:
    """`ports.Runner` around another one. `strike` takes the secrets out of a text.

    No outcome depends on a transcript: what of it cannot be stored is lost, and the log says so.
    """

    def __init__(
        self, runner: Runner, transcripts: Transcripts, clock: Clock, strike: Callable[[str], str]
    ) -> None:
        self._runner = runner
        self._transcripts = transcripts
        self._clock = clock
        self._strike = strike

    async def run(self, session: Session) -> Outcome:
        """The session's outcome, once its transcript is stored, also where it is cut short."""
        key = session.access.key
        room = Room(lambda text: self._strike(text.replace(key, _KEY) if key else text))
        scribe = _Scribe(session, self._transcripts, self._clock, room)
        writing = asyncio.create_task(scribe.run(), name=f"transcript of {session.task_id}")
        try:
            outcome = session.draft.outcome = await self._runner.run(replace(session, recorder=scribe))
            return outcome
        finally:
            writing.cancel()
            await finished(scribe.close(writing))


class _Scribe:
    """`ports.Recorder` of one attempt. What is told waits in memory until it is stored."""

    def __init__(self, session: Session, transcripts: Transcripts, clock: Clock, room: Room) -> None:
        self._task_id = session.task_id
        self._attempt = session.attempt
        self._transcripts = transcripts
        self._clock = clock
        self._room = room
        self._stored = 0
        self._waiting: list[Entry] = []
        self._news = asyncio.Event()
        self._trouble = ""

    def add(self, who: str, kind: Kind, text: str) -> None:
        """Takes down what has just happened. Returns at once."""
        entry = self._room.fit(self._clock.now(), who, kind, text)
        if entry is not None:
            self._waiting.append(entry)
            self._news.set()

    async def run(self) -> None:
        """Stores what is told until cancelled."""
        while True:
            await self._news.wait()
            await self._clock.sleep(STORED_EACH)
            await self._store()

    async def close(self, writing: "asyncio.Task[None]") -> None:
        """Stores the rest, once what was `writing` has ended."""
        await asyncio.wait({writing})
        await self._store()
        if self._waiting:
            _log.error(
                "task %d: %d entries of the transcript of attempt %d are lost: %s",
                self._task_id,
                len(self._waiting),
                self._attempt,
                self._trouble,
            )

    async def _store(self) -> None:
        """Stores what waits. What may have been stored before is sent under the same numbers."""
        self._news.clear()
        try:
            while self._waiting:
                batch = _first(self._waiting)
                await self._transcripts.append(self._task_id, self._attempt, self._stored + 1, batch)
                self._stored += len(batch)
                del self._waiting[: len(batch)]
        except OnequeueError as error:
            self._trouble = str(error)
            self._news.set()
        except Exception as error:
            # The answer has been paid for and must not be lost with its transcript.
            _log.exception("task %d: storing the transcript broke", self._task_id)
            self._trouble = type(error).__name__


def _first(waiting: Sequence[Entry]) -> Sequence[Entry]:
    """As many entries as are stored together, and one at least."""
    size = 0
    for number, entry in enumerate(waiting[:_MOST]):
        size += entry.size
        if number and size > BATCH:
            return waiting[:number]
    return waiting[:_MOST]
