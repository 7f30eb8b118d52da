"""The path of a task: claim, run, settle, reply."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dispatch import attachments, gates, policy, talk
from dispatch.errors import LeaseLost, NotFound, StoreError, Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.moving import left_behind
from dispatch.policy import Settlement
from dispatch.ports import (
    Access,
    Clock,
    Draft,
    Files,
    Gates,
    Gateway,
    Gathered,
    Notifier,
    Queue,
    Quotes,
    Seats,
    Session,
)
from dispatch.questions import recalled
from dispatch.routing import by_urgency
from dispatch.task import Attempt, Claim, Outcome, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import MICRO_USD

LEASE = timedelta(seconds=60)
"""How long a claim holds without being renewed; it is renewed three times as often."""

STOPPED = "Onequeue was stopped while it ran"
_CANCELLED = Outcome(Verdict.CANCELLED, fault=Fault(FaultKind.CANCELLED))
_NOWHERE = Access("", "", ())
_ASKED_AGAIN = frozenset({FaultKind.RATE_LIMITED, FaultKind.OVERLOADED})
_SETTLE_AGAIN = 1.0
_log = logging.getLogger(__name__)


class Worker:
    """Takes what can run and runs it, each task in its own asyncio.Task.

    `chance` returns numbers from 0 to 1 that spread retries. Sessions never outlive `drain`.
    """

    def __init__(
        self,
        queue: Queue,
        gates: Gates,
        gateway: Gateway,
        seats: Seats,
        quotes: Quotes,
        notifier: Notifier,
        clock: Clock,
        terms: Terms,
        chance: Callable[[], float],
        files: Files | None = None,
    ) -> None:
        self._queue = queue
        self._gates = gates
        self._gateway = gateway
        self._seats = seats
        self._quotes = quotes
        self._notifier = notifier
        self._clock = clock
        self._terms = terms
        self._chance = chance
        self._files = files
        self._at_gates = asyncio.Lock()
        self._awake = asyncio.Event()
        self._claiming = True
        self._paths: set[asyncio.Task[None]] = set()
        self._sittings: dict[tuple[int, int], _Sitting] = {}

    def wake(self) -> None:
        """Something may be claimable. Returns at once."""
        self._awake.set()

    def interrupt(self, task_id: int) -> None:
        """Stops the session of a task whose cancellation was asked for, if it runs here."""
        for (sits, _), sitting in self._sittings.items():
            if sits == task_id:
                sitting.session.cancel()

    @property
    def alive(self) -> set[tuple[int, int]]:
        """The (task, attempt) pairs whose session runs here, or has ended and is not settled yet."""
        return {attempt for attempt, sitting in self._sittings.items() if not sitting.lost}

    @property
    def running(self) -> int:
        """How many tasks are on their path now."""
        return len(self._paths)

    async def run(self) -> None:
        """Claims whatever can run, until cancelled or `drain`."""
        while self._claiming:
            self._awake.clear()
            try:
                await self._claim_all()
            except StoreError as error:
                _log.error("cannot claim: %s", error)
            except Exception:
                # Nobody else claims: this loop must outlive its own defects.
                _log.exception("claiming broke")
            await self._awake.wait()

    async def drain(self, grace: timedelta) -> None:
        """Claims nothing more and gives sessions so long to end; puts the rest back on the queue."""
        self._claiming = False
        self.wake()
        if self._paths:
            await asyncio.wait(self._paths, timeout=grace.total_seconds())
        unfinished = list(self._paths)
        for path in unfinished:
            path.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _claim_all(self) -> None:
        now = self._clock.now()
        seats = {tier: self._terms.seating(tier).seats for tier in Tier}
        await self._queue.release(self._terms.purse(now), seats, now)
        for tier in (*by_urgency(self._terms.table), Tier.SCRIPT):
            while self._claiming and (claim := await self._claim(tier)):
                path = asyncio.create_task(self.run_one(claim), name=f"task {claim.task.id}")
                self._paths.add(path)
                path.add_done_callback(self._ended)

    async def _claim(self, tier: Tier) -> Claim | None:
        now = self._clock.now()
        purse = self._terms.purse(now)
        # A probe sent between the reading of the gates and their settlement would be forgotten.
        async with self._at_gates:
            return await self._queue.claim(tier, self._terms.seating(tier), now + LEASE, now, purse)

    def _ended(self, path: asyncio.Task[None]) -> None:
        self._paths.discard(path)
        if not path.cancelled() and (error := path.exception()):
            _log.error("the path of %s broke", path.get_name(), exc_info=error)
        self.wake()

    async def run_one(self, claim: Claim) -> None:
        """One attempt, from claim to reply. A claim that no longer holds ends it without a word."""
        self._notifier.wake()
        try:
            outcome = await self._attempt(claim)
            await self._settle(claim, outcome)
            await self._compare(claim, outcome)
        except LeaseLost:
            _log.warning("task %d: attempt %d lost its lease", claim.task.id, claim.attempt)
            await self._note_work(claim)
        finally:
            self._sittings.pop((claim.task.id, claim.attempt), None)
        self._notifier.wake()

    async def _attempt(self, claim: Claim) -> Outcome:
        draft = Draft()
        session = asyncio.create_task(self._session(claim, draft), name=f"session of {claim.task.id}")
        sitting = _Sitting(session, draft)
        keeper = asyncio.create_task(self._keep(claim, sitting), name=f"lease of {claim.task.id}")
        self._sittings[claim.task.id, claim.attempt] = sitting
        try:
            await asyncio.wait({sitting.session})
        except asyncio.CancelledError:
            await _end(sitting.session)
            await self._note_work(claim)
            await self._queue.give_back(claim, STOPPED, self._clock.now())
            raise
        finally:
            await _end(keeper)
        if sitting.lost:
            raise LeaseLost(f"task {claim.task.id} runs elsewhere")
        if sitting.session.cancelled():
            return replace(_CANCELLED, work=draft.work)
        return sitting.session.result()

    async def _note_work(self, claim: Claim) -> None:
        """Names what the attempt has left where no outcome will."""
        sitting = self._sittings.get((claim.task.id, claim.attempt))
        if sitting is None or (work := sitting.draft.work) is None:
            return
        try:
            await self._queue.note_work(claim.task.id, claim.attempt, work, self._clock.now())
        except StoreError as error:
            _log.error("task %d: its work on %s cannot be noted: %s", claim.task.id, work.branch, error)

    async def _session(self, claim: Claim, draft: Draft) -> Outcome:
        try:
            if (await self._queue.task(claim.task.id)).cancel_asked:
                return _CANCELLED
            if claim.task.script is not None:
                return await self._script(claim.task, claim.task.script)
            found = await self._files.of(claim.task) if self._files else Gathered()
            earlier = await self._earlier(claim.task)
            quotes, recalled = await self._quotes.of(claim.task), await self._recalled(claim)
            prompt = _prompt(claim.task, attachments.introduced(found), earlier, quotes, recalled)
            async with self._gateway.admit(claim) as access:
                session = replace(self._open(claim, prompt, access, draft), attachments=found.read)
                outcome = await self._seats.run(session)
                return attachments.noted(_waiting_as_told(outcome, access), found)
        except Unreachable as error:
            return _failed(draft, FaultKind.UNREACHABLE, error)
        except NotFound as error:
            return _failed(draft, FaultKind.INVALID_REQUEST, error)
        except StoreError as error:
            return _failed(draft, FaultKind.RUNTIME, error)

    async def _script(self, task: Task, name: str) -> Outcome:
        """A script needs no quoted thread and no way to the model."""
        script = self._terms.scripts.get(name)
        if script is None:
            fault = Fault(FaultKind.SCRIPT, f"the settings name no script {name} any more")
            return Outcome(Verdict.FAILED, fault=fault)
        session = Session(
            task_id=task.id,
            attempt=task.attempt,
            model="",
            effort="",
            max_output_tokens=0,
            wall_clock=script.wall_clock,
            prompt=task.words,
            access=_NOWHERE,
            script=script,
            requester=task.requester,
        )
        return await self._seats.run(session)

    def _open(self, claim: Claim, prompt: str, access: Access, draft: Draft) -> Session:
        route = claim.task.route
        rule = self._terms.table[route.tier]
        return Session(
            task_id=claim.task.id,
            attempt=claim.attempt,
            model=route.model,
            effort=rule.effort,
            max_output_tokens=rule.max_output_tokens,
            wall_clock=rule.wall_clock,
            prompt=prompt,
            access=access,
            draft=draft,
            means=self._terms.means(claim.task),
            resumed=claim.resumed,
        )

    async def _recalled(self, claim: Claim) -> str:
        """What earlier sessions of the task found out that this one should know."""
        asked = await self._queue.questions(claim.task.id)
        attempts = await self._queue.attempts(claim.task.id)
        return recalled(asked, attempts) if asked else left_behind(claim.task, attempts)

    async def _earlier(self, task: Task) -> str:
        """What was asked and answered in the thread before a follow-up of a person's."""
        found = list[tuple[Task, Sequence[Attempt]]]()
        parent = task.parent if task.follows_up else None
        while parent is not None and len(found) < talk.TASKS:
            before = await self._queue.task(parent)
            found.append((before, await self._queue.attempts(parent)))
            parent = before.parent
        return talk.quoted(found)

    async def _keep(self, claim: Claim, sitting: "_Sitting") -> None:
        while True:
            await self._clock.sleep(LEASE.total_seconds() / 3)
            try:
                held = await self._queue.renew(claim, self._clock.now() + LEASE)
            except StoreError as error:
                _log.error("task %d: cannot renew the lease: %s", claim.task.id, error)
                continue
            if not held:
                sitting.lost = True
                sitting.session.cancel()
                return

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        while True:
            try:
                async with self._at_gates:
                    settlement = await self._settlement(claim, outcome)
                    await self._queue.settle(claim, outcome, settlement, self._clock.now())
            except StoreError as error:
                _log.error("task %d: cannot settle yet: %s", claim.task.id, error)
                await self._clock.sleep(_SETTLE_AGAIN)
            else:
                return

    async def _compare(self, claim: Claim, outcome: Outcome) -> None:
        """Says so where a session's runtime names another cost than the ledger."""
        if outcome.said_micro_usd is None:
            return
        attempt = (await self._queue.attempts(claim.task.id))[claim.attempt - 1]
        if attempt.is_disputed:
            _log.warning(
                "task %d: its runtime says attempt %d cost $%.6f, the ledger says $%.6f, which is booked",
                claim.task.id,
                claim.attempt,
                outcome.said_micro_usd / MICRO_USD,
                attempt.cost_micro_usd / MICRO_USD,
            )

    async def _settlement(self, claim: Claim, outcome: Outcome) -> Settlement:
        task, now, chance = await self._queue.task(claim.task.id), self._clock.now(), self._chance()
        found = gates.after(await self._gates.all(), task, outcome, now, chance)
        settlement = policy.after(task, outcome, found.closes, now, chance)
        return replace(settlement, gates=found.gates, suspects=found.suspects)


@dataclass
class _Sitting:
    """A session on its seat, with what it has done so far; `lost` once its lease is."""

    session: asyncio.Task[Outcome]
    draft: Draft
    lost: bool = False


def _failed(draft: Draft, kind: FaultKind, error: Exception) -> Outcome:
    return Outcome(Verdict.FAILED, fault=Fault(kind, str(error)), work=draft.work)


def _prompt(task: Task, *more: str) -> str:
    return "\n\n".join(part for part in (task.words, *more) if part)


def _waiting_as_told(outcome: Outcome, access: Access) -> Outcome:
    """The outcome with the API's own word on when to ask again, which a session may not have passed on."""
    fault, named = outcome.fault, access.heard.retry_after
    if fault is None or fault.kind not in _ASKED_AGAIN or named is None:
        return outcome
    return replace(outcome, fault=replace(fault, retry_after=named))


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
