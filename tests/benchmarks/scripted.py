"""Seats that run no model: each session takes its time, books its requests and ends as its script says."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.faults import Fault, FaultKind, from_api
from dispatch.gateway.account import Account
from dispatch.gateway.problem import Refused
from dispatch.ports import Access, Ledger, Session
from dispatch.store.rows import bound
from dispatch.task import Claim, Outcome, Verdict
from dispatch.usage import MICRO_USD, Price, Usage
from tests.benchmarks.workload import Arrival, Ending
from tests.fakes.clock import FakeClock

REQUESTS = 3
"""So many requests make a session."""

OVERRUN = MICRO_USD // 500
"""What arrives of an answer in the moment it is cut at its limit, in micro-dollars."""

REFUSAL = timedelta(milliseconds=400)
"""How long the API takes to refuse a key."""

_OVERTAKEN = """
SELECT count(*) FROM task
WHERE state = 'queued' AND tier = :tier AND rank < :rank AND (expires_at IS NULL OR expires_at > :now)
AND id NOT IN (SELECT suspect FROM gate WHERE suspect IS NOT NULL)
AND requester NOT IN (
    SELECT requester FROM task WHERE state = 'running' GROUP BY requester HAVING count(*) >= :per_requester
)
"""
_RANK = "SELECT rank, tier FROM task WHERE id = :task_id"


def priced(_: str, usage: Usage, at: datetime | None = None) -> Price:
    """A price list on which a token of output costs a micro-dollar."""
    return Price(usage.output_tokens, "simulated")


class MovedClock(FakeClock):
    """A clock that knows whom it will wake next."""

    @property
    def wakes(self) -> datetime | None:
        """When the next sleeper wakes, if there is one."""
        return min((until for until, _, woken in self._sleepers if not woken.done()), default=None)

    def move_to(self, moment: datetime) -> None:
        """Moves on to that time, never back."""
        self.advance(max(moment - self.now(), timedelta(0)))


@dataclass(frozen=True, slots=True)
class Start:
    """A session that began, at the rank its task had. `overtaken` counts those of a better one who waited."""

    task_id: int
    at: datetime
    priority: int
    rank: int
    overtaken: int


@dataclass(frozen=True, slots=True)
class Knock:
    """A request that the API refused for its key: when it was sent and answered."""

    attempt: tuple[int, int]
    begun: datetime
    ended: datetime


class ScriptedSeats:
    """`ports.Gateway` and `ports.Seats` at once: the real account of each attempt, no connection."""

    def __init__(
        self,
        ledger: Ledger,
        clock: MovedClock,
        raw: sqlite3.Connection,
        works: Callable[[datetime], bool],
        per_requester: int,
    ) -> None:
        self.scripts: dict[int, Arrival] = {}
        self.starts: list[Start] = []
        self.knocks: list[Knock] = []
        self.paid: dict[int, int] = {}
        self.booked = 0
        self.cut = 0
        self._ledger = ledger
        self._clock = clock
        self._raw = raw
        self._works = works
        self._per_requester = per_requester
        self._claims: dict[str, tuple[Claim, Account]] = {}

    @asynccontextmanager
    async def admit(self, claim: Claim) -> AsyncIterator[Access]:
        """The way in of one attempt; nothing listens at its address."""
        key = f"{claim.task.id}:{claim.attempt}"
        self._claims[key] = claim, Account(claim, self._ledger, priced, {}, self._clock)
        yield Access("http://127.0.0.1:1", key, ())
        del self._claims[key]

    async def run(self, session: Session) -> Outcome:
        """The session, as its script says."""
        script = self.scripts[session.task_id]
        self._note_start(session.task_id)
        claim, account = self._claims[session.access.key]
        for _ in range(REQUESTS):
            if fault := await self._request(session, claim, account, script):
                return Outcome(Verdict.FAILED, fault=fault)
        if script.ending is Ending.ANSWER:
            return Outcome(Verdict.ANSWERED, "done", session.model)
        kind = FaultKind.REFUSAL if script.ending is Ending.REFUSAL else FaultKind.INCOMPLETE
        return Outcome(Verdict.FAILED, fault=Fault(kind))

    async def _request(
        self, session: Session, claim: Claim, account: Account, script: Arrival
    ) -> Fault | None:
        try:
            line = await account.open(session.model)
        except Refused as refused:
            return from_api(refused.status, refused.error_type)
        begun = self._clock.now()
        if not self._works(begun):
            await self._clock.sleep(REFUSAL.total_seconds())
            await account.drop(line)
            self.knocks.append(Knock((claim.task.id, claim.attempt), begun, self._clock.now()))
            return Fault(FaultKind.AUTHENTICATION, "the key was refused")
        await self._clock.sleep(script.seconds / REQUESTS)
        cost = script.cost_micro_usd // REQUESTS
        refused_at = account.note(line, session.model, Usage(output_tokens=cost))
        if refused_at:
            cost = claim.limit_micro_usd - await self._ledger.spent(claim.task.id) + OVERRUN
            self.cut += 1
        request_id = f"req_{line}"
        usage = Usage(output_tokens=cost)
        await account.book(line, session.model, request_id, usage, estimated=refused_at is not None)
        self.paid[claim.task.id] = self.paid.get(claim.task.id, 0) + cost
        self.booked += 1
        return from_api(refused_at.status, refused_at.error_type) if refused_at else None

    def _note_start(self, task_id: int) -> None:
        rank, tier = self._raw.execute(_RANK, {"task_id": task_id}).fetchone()
        now = self._clock.now()
        facts = {"tier": tier, "rank": rank, "now": bound(now), "per_requester": self._per_requester}
        (overtaken,) = self._raw.execute(_OVERTAKEN, facts).fetchone()
        self.starts.append(Start(task_id, now, self.scripts[task_id].priority, rank, overtaken))
