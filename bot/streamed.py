"""A runner whose sessions are shown while they write."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from bot.holdback import settled
from bot.markdown import split
from bot.ports import ChatError
from bot.previewing import Previewing
from bot.views.gate import LivePing
from dispatch.errors import OnequeueError
from dispatch.ports import Begun, Clock, Runner, Session
from dispatch.task import Outcome

LEAST: Final = 300
"""Characters that a message must have, and no call of a tool, to be shown: a shorter one is soon whole, or
leads up to a call.
"""

EACH: Final = 1.0
"""Seconds between two pieces of one preview."""

_log = logging.getLogger(__name__)


class Streamed:
    """`ports.Runner` around another one. No outcome depends on what is shown."""

    def __init__(self, runner: Runner, stage: Previewing, clock: Clock, secrets: Iterable[str]) -> None:
        self._runner = runner
        self._stage = stage
        self._clock = clock
        self._secrets = tuple(secrets)

    async def run(self, session: Session) -> Outcome:
        """The session's outcome. The preview is left as it is: the answer's delivery takes it over."""
        key = session.access.key
        secrets = (*self._secrets, key) if key else self._secrets
        preview = Showing(self._stage, session.task_id, session.attempt, self._clock, secrets)
        showing = asyncio.create_task(preview.run(), name=f"showing {session.task_id}")
        try:
            outcome = session.draft.outcome = await self._runner.run(replace(session, preview=preview))
            return outcome
        finally:
            showing.cancel()
            await asyncio.wait({showing})


class Showing:
    """`ports.Preview` of one attempt, and the loop that shows it."""

    def __init__(
        self, stage: Previewing, task_id: int, attempt: int, clock: Clock, secrets: Sequence[str]
    ) -> None:
        self._stage = stage
        self._task_id = task_id
        self._attempt = attempt
        self._clock = clock
        self._secrets = secrets
        self._text = ""
        self._shown = ""
        self._dropped = False
        self._begun: Begun | None = None
        self._news = asyncio.Event()

    def grow(self, text: str) -> None:
        """All that a message says so far that has called no tool. Returns at once."""
        self._text = text
        self._news.set()

    def drop(self) -> None:
        """That message calls a tool, so it is not the answer. Returns at once."""
        self._text = ""
        self._dropped = True
        self._news.set()

    async def run(self) -> None:
        """Shows what is written until it is cancelled or Slack takes no more of it. Raises nothing else."""
        try:
            going_on = True
            while going_on:
                await self._news.wait()
                self._news.clear()
                going_on = await self._show()
                await self._clock.sleep(EACH)
        except (ChatError, LivePing, OnequeueError) as error:
            _log.warning("task %d: its answer is not shown any further: %s", self._task_id, error)
        except Exception:
            # The answer is being paid for and must not be lost with its preview.
            _log.exception("task %d: showing its answer broke", self._task_id)

    async def _show(self) -> bool:
        """Shows what is new. False where there is nothing more to do."""
        if self._dropped and self._begun is not None:
            await self._stage.take_back(self._begun)
            return False
        self._dropped = False
        if len(self._text) < LEAST:
            return True
        words = settled(self._text, self._secrets)
        if self._begun is None:
            self._begun = await self._stage.begin(self._task_id, self._attempt)
        if self._dropped:
            self._news.set()
            return True
        new = words[len(self._shown) :]
        if self._begun is None or not new or not self._fits(words):
            return True
        if await self._stage.append(self._begun, new):
            self._shown = words
        else:
            self._news.set()
        return True

    def _fits(self, words: str) -> bool:
        """Whether it is still the beginning of one message."""
        return words.startswith(self._shown) and len(split(words)) == 1
