"""What a session is opened with, and how it ends: the middle of the path."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from dispatch import additions, attachments, talk
from dispatch.errors import LeaseLost, NotFound, StoreError, Unreachable
from dispatch.faults import Fault, FaultKind
from dispatch.moving import left_behind
from dispatch.ports import Access, Clock, Draft, Files, Gateway, Gathered, Queue, Quotes, Seats, Session
from dispatch.questions import recalled
from dispatch.task import Attempt, Claim, Outcome, Task, Verdict
from dispatch.terms import Terms

CANCELLED: Final = Outcome(Verdict.CANCELLED, fault=Fault(FaultKind.CANCELLED))
_NOWHERE: Final = Access("", "", ())
_ASKED_AGAIN: Final = frozenset({FaultKind.RATE_LIMITED, FaultKind.OVERLOADED})
_log = logging.getLogger(__name__)


class Sessions:
    """Runs sessions on seats, each with its words and all that belongs to them.

    Without `files` none are read.
    """

    def __init__(
        self,
        queue: Queue,
        gateway: Gateway,
        seats: Seats,
        quotes: Quotes,
        terms: Terms,
        clock: Clock,
        files: Files | None = None,
    ) -> None:
        self._queue = queue
        self._gateway = gateway
        self._seats = seats
        self._quotes = quotes
        self._terms = terms
        self._clock = clock
        self._files = files

    async def run(self, claim: Claim, draft: Draft) -> Outcome:
        """The session of a claim, to its end: whatever happens is an outcome, but LeaseLost."""
        try:
            if (await self._queue.task(claim.task.id)).cancel_asked:
                return CANCELLED
            if claim.task.script is not None:
                return await self._script(claim.task, claim.task.script)
            found = await self._files.of(claim.task) if self._files else Gathered()
            earlier = await self._earlier(claim.task)
            quotes, recalled = await self._quotes.of(claim.task), await self._recalled(claim)
            added = await self._queue.take_up(claim, self._clock.now())
            said = additions.quoted(added, claim.task)
            prompt = _prompt(claim.task, attachments.introduced(found), earlier, quotes, recalled, said)
            # A conversation that goes on is not the prompt, so nobody knows what of it that holds.
            ear = _Ear(self._queue, self._clock, claim, () if claim.resumed else added)
            async with self._gateway.admit(claim) as access:
                opened = self._open(claim, prompt, access, draft)
                session = replace(opened, attachments=found.read, hear=ear.hear)
                outcome = _waiting_as_told(await self._seats.run(session), access)
                draft.outcome = outcome = attachments.noted(outcome, found)
                return outcome
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
            found.append(await self._came_to(before))
            parent = before.parent
        return talk.quoted(found)

    async def _came_to(self, task: Task) -> tuple[Task, Sequence[Attempt]]:
        """The task with its attempts; with those of the task that it follows, whose answer it has."""
        if task.follows is None:
            return task, await self._queue.attempts(task.id)
        leader = await self._queue.task(task.follows)
        return replace(leader, id=task.id, words=task.words), await self._queue.attempts(leader.id)


class _Ear:
    """`ports.Hear` of one attempt, which knows the additions in `told` already."""

    def __init__(self, queue: Queue, clock: Clock, claim: Claim, told: Iterable[Task]) -> None:
        self._queue = queue
        self._clock = clock
        self._claim = claim
        self._told = {one.id for one in told}

    async def hear(self) -> str:
        """What has been taken up now, or was by earlier sessions, and has not been told to this one."""
        try:
            taken = await self._queue.take_up(self._claim, self._clock.now())
        except (StoreError, LeaseLost) as error:
            _log.warning("task %d: what is said to it waits: %s", self._claim.task.id, error)
            return ""
        new = [one for one in taken if one.id not in self._told]
        self._told.update(one.id for one in new)
        return additions.quoted(new, self._claim.task)


def _prompt(task: Task, *more: str) -> str:
    return "\n\n".join(part for part in (task.words, *more) if part)


def _failed(draft: Draft, kind: FaultKind, error: Exception) -> Outcome:
    return draft.ended or Outcome(Verdict.FAILED, fault=Fault(kind, str(error)), work=draft.work)


def _waiting_as_told(outcome: Outcome, access: Access) -> Outcome:
    """The outcome with the API's own word on when to ask again, which a session may not have passed on."""
    fault, named = outcome.fault, access.heard.retry_after
    if fault is None or fault.kind not in _ASKED_AGAIN or named is None:
        return outcome
    return replace(outcome, fault=replace(fault, retry_after=named))
