"""A runner whose sessions end as those of a runtime in another process did."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from dispatch.diagnosis import SessionFacts, ended
from dispatch.ports import Clock, Session
from dispatch.task import Outcome, Verdict

Ending = Callable[[Session], SessionFacts]


@dataclass
class EndedRunner:
    """Ends each session as `facts` say of it; the diagnosis decides what that comes to.

    While `gate` is closed sessions wait before their end; `waiting` counts them. `started` has the
    time of each.
    """

    facts: SessionFacts | Ending
    clock: Clock
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: list[Session] = field(default_factory=list)
    started: list[datetime] = field(default_factory=list)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def run(self, session: Session) -> Outcome:
        """One session, to its end."""
        self.sessions.append(session)
        self.started.append(self.clock.now())
        self.waiting += 1
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        facts = self.facts if isinstance(self.facts, SessionFacts) else self.facts(session)
        fault = ended(facts, self.clock.now(), self.zone)
        verdict = Verdict.FAILED if fault else Verdict.ANSWERED
        return Outcome(verdict, facts.result, session.model, fault)
