"""The one door to the queue for people in Slack: nobody gets past it who may not do what they ask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from bot.access import Act, Request
from bot.ports import Alarms, Desk
from bot.views.rights import beginning
from dispatch.errors import MoveRefused, NotAdmitted, NotFound
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.moving import above
from dispatch.pauses import Paused
from dispatch.policy import URGENT
from dispatch.questions import Decision, Question
from dispatch.routing import Table, route
from dispatch.states import State, Step
from dispatch.task import Attempt, NewTask, Source, Task, Tier


class Judge(Protocol):
    """Who says no."""

    async def refusal(self, person: str, request: Request, what: str) -> str | None:
        """Why they may not do that, in plain words; None where they may."""
        ...


class Guard:
    """A `ports.Desk` before another. It refuses before anything is changed; what only reads goes through.

    Whoever may not ask for a task is told so by NotAdmitted, whoever may not move one by MoveRefused.
    """

    def __init__(self, desk: Desk, judge: Judge, table: Table) -> None:
        self._desk = desk
        self._judge = judge
        self._table = table

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        """Stores a request of its requester. Raises NotAdmitted.

        Whoever may not add to a task has asked for one of their own, which waits for its turn.
        """
        scripted = new.script is not None
        parent = await self._task(new.parent) if new.source is Source.FORM and new.parent else None
        asked = Request(
            Act.RUN,
            channel=new.channel,
            urgent=not scripted and new.priority <= URGENT,
            opus=not scripted and self._on_opus(new.priority, new.model),
            script=new.script,
            owner=parent.requester if parent else None,
            parent=parent.id if parent else None,
        )
        if why := await self._judge.refusal(new.requester, asked, "submit"):
            raise NotAdmitted(why)
        if new.adds_to is not None and not await self._may_add(new.adds_to, new.requester):
            new = replace(new, adds_to=None)
        return await self._desk.submit(new)

    async def parent(self, task_id: int, person: str) -> Task:
        """The task, for whoever may go on from it by a form. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        await self._let_read(task, person, "follow_up")
        return task

    async def _may_add(self, task_id: int, person: str) -> bool:
        """Whether their words may spend that task's money and use what it was allowed, as answers do."""
        try:
            task = await self._task(task_id)
            await self._let_again("add", task, person, task.route.tier is Tier.OPUS)
        except (NotFound, MoveRefused):
            return False
        return True

    async def cancel(self, task_id: int, actor: str) -> Task:
        """Cancels a task of the actor's, or any for an operator. Raises NotFound, MoveRefused."""
        await self._let(Act.STOP, "cancel", await self._task(task_id), actor)
        return await self._desk.cancel(task_id, actor)

    async def retry(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues an ended task again. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        await self._let_again("retry", task, actor, task.route.tier is Tier.OPUS)
        return await self._desk.retry(task_id, actor, key)

    async def another_cap(self, task_id: int, actor: str) -> Task:
        """Queues an ended task again with another cap's worth of money. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        await self._let_again("another_cap", task, actor, self._on_opus(task.priority, task.asked_model))
        return await self._desk.another_cap(task_id, actor)

    async def cheaper(self, task_id: int, actor: str) -> Task:
        """Sends a waiting task to the next cheaper tier. Raises NotFound, MoveRefused."""
        await self._let(Act.RUN, "cheaper", await self._task(task_id), actor)
        return await self._desk.cheaper(task_id, actor)

    async def reprioritise(self, task_id: int, priority: int, actor: str, key: str = "") -> Task:
        """Gives a task that waits another priority. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        raised = task.script is None and priority < task.priority
        urgent = raised and priority <= URGENT
        opus = raised and task.route.tier is not Tier.OPUS and self._on_opus(priority, task.asked_model)
        await self._let(Act.RUN, "reprioritise", task, actor, urgent=urgent, opus=opus)
        return await self._desk.reprioritise(task_id, priority, actor, key)

    async def hold(self, task_id: int, actor: str, key: str = "") -> Task:
        """Holds a task that waits until it is released. Raises NotFound, MoveRefused."""
        await self._let(Act.STOP, "hold", await self._task(task_id), actor)
        return await self._desk.hold(task_id, actor, key)

    async def release(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues a task again that a person holds. Raises NotFound, MoveRefused."""
        await self._let(Act.RUN, "release", await self._task(task_id), actor)
        return await self._desk.release(task_id, actor, key)

    async def follow(self, task_id: int, actor: str, key: str = "") -> Task:
        """Ends a task in favour of the one that it looks like. Raises NotFound, MoveRefused.

        Only whoever asked for both may have an answer brought from elsewhere.
        """
        task = await self._task(task_id)
        await self._let(Act.STOP, "follow", task, actor)
        if task.alike is not None and actor != task.requester:
            leader = await self._task(task.alike)
            if leader.channel != task.channel:
                whose = f"only who asked for #{task.id} may bring its answer here"
                raise MoveRefused(
                    f"{beginning(Act.STOP)}: #{leader.id} was asked for elsewhere, and {whose}."
                )
        return await self._desk.follow(task_id, actor, key)

    async def tier_up(self, task_id: int, actor: str, key: str = "") -> Task:
        """Runs an ended task again one tier up. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        better = above(task.route.tier, self._table)
        await self._let_again("tier_up", task, actor, better is Tier.OPUS)
        if task.state is State.DONE:
            # It is asked again as a task of theirs, with its words and its answer.
            await self._let_read(task, actor, "tier_up")
        return await self._desk.tier_up(task_id, actor, key)

    async def feedback(self, task_id: int, person: str, liked: bool) -> Task:
        """Notes what a person who may read it thinks of a task's answer. Raises NotFound, MoveRefused."""
        task = await self._task(task_id)
        await refuse(self._judge, person, Request(Act.READ, task=task.id, channel=task.channel), "feedback")
        return await self._desk.feedback(task_id, person, liked)

    async def outlooks(self, tasks: Iterable[Task]) -> Mapping[int, Outlook]:
        """What can be said of each task by number."""
        return await self._desk.outlooks(tasks)

    async def answer(self, question_id: int, answer: str, person: str, key: str) -> Question:
        """Gives a session the answer of its requester or an operator. Raises NotFound, MoveRefused."""
        question = await self._desk.question(question_id)
        better = question.route.tier if question.route and answer == Decision.RAISE else None
        task = await self._task(question.task_id)
        await self._let(Act.RUN, "answer", task, person, opus=better is Tier.OPUS)
        return await self._desk.answer(question_id, answer, person, key)

    async def resume(self, actor: str) -> Sequence[Gate]:
        """Lets one task try at once at every closed gate, for an operator. Raises MoveRefused."""
        await refuse(self._judge, actor, Request(Act.OPERATE), "resume")
        return await self._desk.resume(actor)

    async def pause(self, actor: str) -> Paused:
        """Lets nothing new start, for an operator. Raises MoveRefused."""
        await refuse(self._judge, actor, Request(Act.OPERATE), "pause")
        return await self._desk.pause(actor)

    async def unpause(self, actor: str) -> Paused | None:
        """Lets the queue go on, for an operator. Raises MoveRefused."""
        await refuse(self._judge, actor, Request(Act.OPERATE), "unpause")
        return await self._desk.unpause(actor)

    async def paused(self) -> Paused | None:
        """Who paused the queue, and when; None where it is not paused."""
        return await self._desk.paused()

    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]:
        """A task and its attempts. Raises NotFound."""
        return await self._desk.show(task_id)

    async def history(self, task_id: int) -> Sequence[Step]:
        """All moves of a task, first to newest. Raises NotFound."""
        return await self._desk.history(task_id)

    async def open_tasks(self, limit: int = 50) -> Sequence[Task]:
        """The tasks that have not ended, running first, then by urgency."""
        return await self._desk.open_tasks(limit)

    async def in_thread(self, channel: str, thread: str) -> Sequence[Task]:
        """The newest tasks whose answers go into that thread, oldest first."""
        return await self._desk.in_thread(channel, thread)

    async def question(self, question_id: int) -> Question:
        """One question. Raises NotFound."""
        return await self._desk.question(question_id)

    async def questions(self, task_id: int) -> Sequence[Question]:
        """All questions of a task, first to newest."""
        return await self._desk.questions(task_id)

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        return await self._desk.asked_in(channel, thread, key)

    async def gates(self) -> Mapping[str, Gate]:
        """The gates that are or were closed, by name."""
        return await self._desk.gates()

    async def _task(self, task_id: int) -> Task:
        return (await self._desk.show(task_id))[0]

    async def _let_read(self, task: Task, person: str, what: str) -> None:
        """Raises MoveRefused where they have not asked for the task and are not known to read its answer."""
        asked = Request(Act.RUN, owner=task.requester, channel=task.channel, parent=task.id)
        await refuse(self._judge, person, asked, what)

    async def _let_again(self, what: str, task: Task, person: str, opus: bool) -> None:
        urgent = task.script is None and task.priority <= URGENT
        await self._let(Act.RUN, what, task, person, urgent=urgent, opus=opus)

    async def _let(
        self, act: Act, what: str, task: Task, person: str, *, urgent: bool = False, opus: bool = False
    ) -> None:
        """Raises MoveRefused where they may not do that to the task, or not have it so urgent or on Opus."""
        asked = Request(
            act,
            owner=task.requester,
            task=task.id,
            channel=task.channel,
            urgent=urgent,
            opus=opus,
            script=task.script,
        )
        await refuse(self._judge, person, asked, what)

    def _on_opus(self, priority: int, model: str | None) -> bool:
        return route(priority, model, None, self._table).tier is Tier.OPUS


class GuardedAlarms:
    """`ports.Alarms` that only operators may answer."""

    def __init__(self, alarms: Alarms, judge: Judge) -> None:
        self._alarms = alarms
        self._judge = judge

    async def acknowledge(self, key: str, person: str) -> str:
        """Notes that an operator looks after the alarm; words for them. Raises MoveRefused, StoreError."""
        await refuse(self._judge, person, Request(Act.OPERATE), "acknowledge")
        return await self._alarms.acknowledge(key, person)


async def refuse(judge: Judge, person: str, request: Request, what: str) -> None:
    """Raises MoveRefused where the person may not do that."""
    if why := await judge.refusal(person, request, what):
        raise MoveRefused(f"{beginning(request.act)}: {why}")
