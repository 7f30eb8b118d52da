"""A runner that does what it was told."""

import asyncio
from dataclasses import dataclass, field

from dispatch.ports import Session
from dispatch.task import Outcome, Verdict


@dataclass
class FakeRunner:
    """Writes `text`, then ends with `outcome`, by default an answer of that text.

    While `gate` is closed it stops after the writing. `error` is raised in place of an end. `started`
    counts the sessions that have written, `stopped` those that were cancelled.
    """

    text: str = "an answer"
    outcome: Outcome | None = None
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: list[Session] = field(default_factory=list)
    started: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    stopped: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def run(self, session: Session) -> Outcome:
        """One session, as told."""
        self.sessions.append(session)
        session.draft.text, session.draft.model = self.text, session.model
        self.started.release()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.error is not None:
            raise self.error
        session.draft.outcome = self.outcome or Outcome(Verdict.ANSWERED, self.text, session.model)
        return session.draft.outcome
