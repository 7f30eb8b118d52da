"""What the simulator remembers and waits for. It knows no HTTP."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.rehearsal.claude import mind, models
from bot.rehearsal.claude.failures import Armed, Armoury, Failure
from bot.rehearsal.claude.script import Step
from bot.rehearsal.claude.served import Served
from bot.rehearsal.claude.threads import Threads
from bot.rehearsal.claude.usage import PromptCache
from bot.rehearsal.claude.visit import Visit
from bot.rehearsal.claude.watch import Watch

SLOW_SECONDS = 0.2
"""The least time between two chunks of a request that was told to be slow."""

_TEMPO = {"opus": 1.5, "haiku": 0.5}


class Room:
    """The state behind the handlers."""

    def __init__(
        self, *, key: str, known_models: tuple[str, ...], pace: float, now: Callable[[], datetime]
    ) -> None:
        self.key = key
        self.models = known_models
        self.pace = pace
        self.now = now
        self.armoury = Armoury()
        self.cache = PromptCache()
        self.threads = Threads()
        self.script: deque[Step] = deque()
        self.served: list[Served] = []
        self.arrived = 0
        self.held = 0
        self.watch = Watch()
        self.gate = asyncio.Event()
        self.gate.set()
        self.closing = asyncio.Event()

    def arrive(self, key: str | None) -> Visit:
        """Gives a request its number."""
        self.arrived += 1
        self.watch.changed()
        name = "(none)" if key is None else key if key == self.key else "(other)"
        return Visit(self.arrived, self.now(), name)

    def keep(self, visit: Visit, *, finished: bool) -> None:
        """Writes a request into the books, once."""
        if visit.kept:
            return
        visit.kept = True
        if finished and visit.reply is not None:
            self.threads.remember(visit.body, visit.reply)
        self.served.append(visit.close(finished=finished))
        self.watch.changed()

    def next_step(self, body: Mapping[str, Any]) -> Step:
        """The scripted step whose turn it is, or what the mind would do."""
        return self.script.popleft() if self.script else mind.next_step(body)

    async def breathe(self, model: str, failure: Armed | None) -> None:
        """The pause between two chunks; shorter when the simulator closes."""
        seconds = self.pace * _TEMPO.get(models.line(model) or "", 1.0)
        if failure and failure.kind is Failure.SLOW:
            seconds = max(seconds, SLOW_SECONDS)
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), seconds)

    async def pass_gate(self) -> None:
        """Waits while the gate is held."""
        if self.gate.is_set():
            return
        self.held += 1
        self.watch.changed()
        try:
            await self.gate.wait()
        finally:
            self.held -= 1
