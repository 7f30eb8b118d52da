"""The path of a task: claim, run, settle, reply."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from dispatch import gates, policy
from dispatch.errors import LeaseLost, StoreError
from dispatch.policy import Settlement
from dispatch.ports import (
    Clock,
    Draft,
    Files,
    Gates,
    Gateway,
    Notifier,
    Queue,
    Quotes,
    Seats,
)
from dispatch.routing import by_urgency
from dispatch.sessions import CANCELLED, Sessions
from dispatch.task import Claim, Outcome, Tier
from dispatch.terms import Terms
from dispatch.usage import MICRO_USD

LEASE = timedelta(seconds=60)
"""How long a claim holds without being renewed; it is renewed three times as often."""

STOPPED = "Onequeue was stopped while it ran"
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
        self._notifier = notifier
        self._clock = clock
        self._terms = terms
        self._chance = chance
        self._sessions = Sessions(queue, gateway, seats, quotes, terms, clock, files)
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
        session = asyncio.create_task(self._sessions.run(claim, draft), name=f"session of {claim.task.id}")
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
            return replace(CANCELLED, work=draft.work)
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


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait({task})
