"""The front door: what `bot` and the command line may ask for."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dispatch import scripts
from dispatch.asking import Asking
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.gates import Gate
from dispatch.means import no_project
from dispatch.pauses import Paused
from dispatch.ports import Clock, Gates, Notifier, Pricing, Queue
from dispatch.questions import Question
from dispatch.routing import PRIORITIES, by_urgency, route
from dispatch.states import State, Step
from dispatch.steering import Steering, dollars
from dispatch.task import Attempt, Claim, NewTask, Route, Source, Task, Tier
from dispatch.terms import Terms
from dispatch.worker import Worker

FOLLOW_UPS = 5
"""How many follow-ups one task may make."""

DEPTH = 2
"""How many follow-ups deep a follow-up may be."""

IN_THREAD = 50
"""How many tasks of a thread are looked at."""

_log = logging.getLogger(__name__)


class Dispatcher(Steering):
    """Everything that can be asked of the queue. Made by the composition root; needs `start` first."""

    def __init__(
        self,
        queue: Queue,
        gates: Gates,
        worker: Worker,
        asking: Asking,
        notifier: Notifier,
        clock: Clock,
        price: Pricing,
        terms: Terms,
    ) -> None:
        super().__init__(queue, gates, worker, notifier, clock, price, terms)
        self._gates = gates
        self._asking = asking

    async def start(self) -> int:
        """Puts back on the queue what a dead process was running. How many tasks."""
        now = self._clock.now()
        recovered = await self._queue.recover(now)
        await self._gates.recover(now)
        return recovered

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        """Stores a request. False beside the task when the request was known already.

        Raises NotAdmitted, saying why and what to do.
        """
        now = self._clock.now()
        decided = self._route(new)
        decided_on = replace(
            new,
            project=self._project(new),
            expires_at=self._terms.expires(new.source, new.expires_at, now),
        )
        ration = None if new.source is Source.CLI else self._terms.ration(now)
        task, created = await self._queue.enqueue(decided_on, decided, now, self._terms.quota, ration)
        self._wake()
        return task, created

    def _route(self, new: NewTask) -> Route:
        if new.script is None:
            decided = route(new.priority, new.model, new.cap_micro_usd, self._terms.table)
            self._check(new, new.priority, decided)
            return decided
        if script := self._terms.scripts.get(new.script):
            return scripts.route(script)
        raise NotAdmitted(f"there is no script {new.script} in the settings.")

    def _project(self, new: NewTask) -> str | None:
        if new.script is not None:
            return None
        if new.project is not None and new.project not in self._terms.projects:
            raise NotAdmitted(no_project(new.project, self._terms.projects))
        return new.project or self._terms.project_in(new.channel)

    async def follow_up(self, claim: Claim, words: str, priority: int | None) -> str:
        """Stores a task that a session asks for, and says in words what became of it."""
        task = await self._queue.task(claim.task.id)
        if task.state is not State.RUNNING or task.attempt != claim.attempt:
            return "Not queued: this attempt is over, so it may ask for nothing more."
        if task.depth >= DEPTH:
            return f"Not queued: follow-ups may be {DEPTH} deep and this task is one of the deepest."
        if await self._queue.children(task.id) >= FOLLOW_UPS:
            return f"Not queued: a task may make {FOLLOW_UPS} follow-ups and this one has."
        if not words.strip() or (priority is not None and priority not in PRIORITIES):
            return "Not queued: a follow-up needs words and, if any, a priority from 1 to 10."
        try:
            child, _ = await self.submit(_follow_up(task, words, priority))
        except NotAdmitted as refused:
            return f"Not queued: {refused}"
        return f"Queued as #{child.id}: {child.route.reason}."

    async def cancel(self, task_id: int, actor: str) -> Task:
        """Cancels a task, stopping its session if it runs. Raises NotFound, MoveRefused."""
        task = await self._queue.cancel(task_id, actor, self._clock.now())
        if task.cancel_asked:
            self._worker.interrupt(task_id)
        self._wake()
        return task

    async def retry(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues an ended task again, once for each request's `key`. Raises NotFound, MoveRefused."""
        task = await self._queue.task(task_id)
        if task.state is not State.DONE and task.cap_used:
            raise MoveRefused(
                f"#{task.id} has used its cap of {dollars(task.route.cap_micro_usd)}: the button below its "
                "answer gives it another, or send it again with a higher `max=`."
            )
        now = self._clock.now()
        task = await self._queue.retry(task_id, actor, now, key, self._terms.ration(now))
        self._wake()
        return task

    async def another_cap(self, task_id: int, actor: str) -> Task:
        """Queues an ended task again with its tier's cap on top of what it has cost.

        Raises NotFound, MoveRefused.
        """
        task = await self._queue.task(task_id)
        if task.state in (State.QUEUED, State.HELD):
            raise MoveRefused(f"#{task.id} is {task.state}: it has money already.")
        if task.script is not None:
            raise MoveRefused(f"#{task.id} is a script: it costs nothing.")
        more = task.cost_micro_usd + self._terms.table[task.route.tier].cap_micro_usd
        return await self._reroute(task, task.asked_model, max(more, task.route.cap_micro_usd), actor)

    async def cheaper(self, task_id: int, actor: str) -> Task:
        """Sends a waiting task to the next cheaper tier. Raises NotFound, MoveRefused."""
        task = await self._queue.task(task_id)
        below = self.below(task.route.tier)
        if below is None:
            raise MoveRefused(f"#{task.id} runs on {task.route.tier.capitalize()}: there is no cheaper tier.")
        return await self._reroute(task, below.value, None, actor)

    def below(self, tier: Tier) -> Tier | None:
        """The next cheaper tier, if there is one."""
        tiers = by_urgency(self._terms.table)
        cheaper = tiers[tiers.index(tier) + 1 :] if tier in tiers else []
        return next(iter(cheaper), None)

    async def _reroute(self, task: Task, model: str | None, cap_micro_usd: int | None, actor: str) -> Task:
        decided = route(task.priority, model, cap_micro_usd, self._terms.table)
        now = self._clock.now()
        ration = self._terms.ration(now)
        moved = await self._queue.reroute(task.id, model, cap_micro_usd, decided, actor, now, ration)
        self._wake()
        return moved

    async def history(self, task_id: int) -> Sequence[Step]:
        """All moves of a task, first to newest. Raises NotFound."""
        task = await self._queue.task(task_id)
        return await self._queue.history(task.id)

    async def resume(self, actor: str) -> Sequence[Gate]:
        """Lets one task try at once at every closed gate. Which gates those were."""
        resumed = await self._gates.resume(self._clock.now())
        _log.info("%s lets one task try at each closed gate, %d in all", actor, len(resumed))
        self._wake()
        return resumed

    async def pause(self, actor: str) -> Paused:
        """Pauses the queue, unless it is paused already: nothing new starts, what runs goes on.

        The pause that stands.
        """
        paused = await self._queue.pause(actor, self._clock.now())
        _log.warning("the queue is paused by %s", paused.actor)
        self._wake()
        return paused

    async def unpause(self, actor: str) -> Paused | None:
        """Lets the queue go on; the pause that stood until now."""
        lifted = await self._queue.unpause(self._clock.now())
        if lifted is not None:
            _log.warning("%s lets the queue go on, which %s had paused", actor, lifted.actor)
            self._wake()
        return lifted

    async def paused(self) -> Paused | None:
        """Who paused the queue, and when; None where it is not paused."""
        return await self._queue.paused()

    async def gates(self) -> Mapping[str, Gate]:
        """The gates that are or were closed, by name."""
        return await self._gates.all()

    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]:
        """A task and its attempts. Raises NotFound."""
        return await self._queue.task(task_id), await self._queue.attempts(task_id)

    async def open_tasks(self, limit: int = 50) -> Sequence[Task]:
        """The tasks that have not ended, running first, then by urgency."""
        return await self._queue.open_tasks(limit)

    async def in_thread(self, channel: str, thread: str) -> Sequence[Task]:
        """The newest tasks whose answers go into that thread, oldest first."""
        return await self._queue.in_thread(channel, thread, IN_THREAD)

    async def answer(self, question_id: int, answer: str, person: str, key: str) -> Question:
        """Gives a session the answer to its question; the same `key` again changes nothing.

        Raises NotFound, and MoveRefused where the question is over or that is no answer to it.
        """
        question = await self._asking.answer(question_id, answer, person, key)
        self._wake()
        return question

    async def question(self, question_id: int) -> Question:
        """One question. Raises NotFound."""
        return await self._queue.question(question_id)

    async def questions(self, task_id: int) -> Sequence[Question]:
        """All questions of a task, first to newest."""
        return await self._queue.questions(task_id)

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        return await self._asking.asked_in(channel, thread, key)

    async def tend(self) -> None:
        """Ends what is stale, queues what may run again, moves up what has waited long."""
        now = self._clock.now()
        changed = await self._queue.expire(now)
        changed += await self._asking.end_overdue()
        changed += await self._queue.promote(now)
        changed += await self._queue.age(now)
        if changed:
            self._wake()

    async def sweep(self) -> None:
        """Queues again the tasks whose lease has ended."""
        if await self._queue.sweep(self._clock.now(), self._worker.alive):
            self._wake()


def _follow_up(parent: Task, words: str, priority: int | None) -> NewTask:
    return NewTask(
        request_key=f"follow-up:{parent.id}:{priority}:{words}",
        source=Source.FOLLOW_UP,
        requester=parent.requester,
        words=words,
        priority=max(parent.priority, priority or parent.priority),
        channel=parent.channel,
        thread=parent.thread,
        parent=parent.id,
        depth=parent.depth + 1,
        project=parent.project,
    )
