"""What people say in the thread of a task: follow-ups, a few orders, and talk that is none of ours.

The requester's plain words count, and so do those of whoever has asked for another task there; anybody else
begins with our name. Words to somebody else are talk.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.grammar import Cancel, Command, Run, Show, Steer, Submit, Turn, UsageError
from bot.ports import Desk, Rights
from bot.remarks import Order, read
from bot.replies import Answer, Said, Told
from bot.scripts import Scripts
from bot.steering import Steering
from bot.views import threads
from dispatch.ports import Outbox
from dispatch.states import TERMINAL, State
from dispatch.task import Task

_WAITS: Final = (State.QUEUED, State.HELD)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A task that goes on from its parent, or is added to the running task of the number `adds_to`."""

    parent: Task
    asked: Submit
    adds_to: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of all that is open in a thread, oldest first; nothing may be."""

    tasks: Sequence[Task]
    newest: Task


class NotKnownYet(Exception):
    """A reply may be in a task's thread and cannot be told from one that is not. Slack brings it again."""


Meant = FollowUp | Stop | Answer | Told | Command | UsageError


class Threads:
    """Reads what is said in the threads of tasks. `steers_in` says in which channels replies steer."""

    def __init__(
        self,
        desk: Desk,
        outbox: Outbox,
        rights: Rights,
        steering: Steering,
        scripts: Scripts,
        steers_in: Callable[[str], bool],
    ) -> None:
        self._desk = desk
        self._outbox = outbox
        self._rights = rights
        self._steering = steering
        self._scripts = scripts
        self._steers_in = steers_in

    async def meant(self, said: Said) -> Meant | None:
        """What those words ask for; None where they are not for us, or in no task's thread.

        Raises StoreError, and NotKnownYet.
        """
        beginning = await self._outbox.is_beginning(said.channel)
        tasks = await self._desk.in_thread(said.channel, said.thread)
        if not tasks and beginning and not said.to_us:
            raise NotKnownYet("this may be the thread of a card whose message is not known yet")
        if not tasks:
            return None
        remark = read(said.words)
        if not await self._counts(said, tasks, remark):
            return None
        match remark:
            case None:
                return Told(threads.FILE_ALONE if said.is_files_alone else "")
            case Order():
                return await self._order(remark, tasks, said.person)
            case Run(name) if not (said.to_us and self._scripts.has(name)):
                return self._follow_up(tasks, Submit(remark.typed), said)
            case Submit():
                return self._follow_up(tasks, remark, said)
            case _:
                return remark

    async def stop(self, order: Stop, key: str, person: str) -> str:
        """Cancels what is open, the newest first, so that nothing starts meanwhile. Raises StoreError."""
        if not order.tasks:
            return threads.nothing_to_stop(order.newest)
        told = [
            await self._steering.do(Cancel(task.id), f"{key}:{task.id}", person)
            for task in reversed(order.tasks)
        ]
        return "\n".join(reversed(told))

    async def _counts(self, said: Said, tasks: Sequence[Task], remark: object) -> bool:
        if said.to_us or said.person in {task.requester for task in tasks}:
            return True
        return isinstance(remark, Order) and await self._rights.operates(said.person)

    def _follow_up(self, tasks: Sequence[Task], asked: Submit, said: Said) -> FollowUp:
        """What asks for nothing of its own is meant for the session that runs, where replies steer."""
        running = [task.id for task in tasks if task.state is State.RUNNING]
        own = asked != Submit(asked.words)
        meant = running[-1] if running and not own and self._steers_in(said.channel) else None
        return replace(follow_up(tasks[-1], asked), adds_to=meant)

    async def _order(self, order: Order, tasks: Sequence[Task], person: str) -> Meant:
        tasks = [task for task in tasks if task.taken_by is None] or tasks
        still_open = [task for task in tasks if task.state not in TERMINAL]
        match order:
            case Order.STOP:
                return Stop(still_open, tasks[-1])
            case Order.STATUS:
                return Show((still_open or tasks[-1:])[0].id)
            case Order.BUMP:
                waiting = [task for task in still_open if task.state in _WAITS]
                return Steer(Turn.BUMP, (waiting or tasks[-1:])[0].id)
            case Order.COST:
                return Told(await self._rights.unreadable(person) or threads.cost(tasks))
            case Order.HELP:
                return Told(threads.HELP)


def follow_up(parent: Task, asked: Submit) -> FollowUp:
    """The priority, model, cap and project are the parent's where the words name none."""
    model = asked.model or (parent.asked_model if asked.priority is None else None)
    return FollowUp(
        parent,
        replace(
            asked,
            priority=asked.priority or parent.priority,
            model=model,
            cap_micro_usd=asked.cap_micro_usd or parent.asked_cap_micro_usd,
            project=asked.project or parent.project,
        ),
    )
