"""The queue, its money and who may do what, as Slack's requests see them. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Protocol

from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.ports import Spending
from dispatch.questions import Question
from dispatch.states import Step
from dispatch.task import Attempt, NewTask, Task


class Desk(Protocol):
    """What Slack's requests need of the dispatcher. Every method raises StoreError."""

    async def submit(self, new: NewTask) -> tuple[Task, bool]:
        """Stores a request. False beside the task when the request was known already. Raises NotAdmitted."""
        ...

    async def cancel(self, task_id: int, actor: str) -> Task:
        """Cancels a task, stopping its session if it runs. Raises NotFound, MoveRefused."""
        ...

    async def retry(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues an ended task again, once for each request's `key`. Raises NotFound, MoveRefused."""
        ...

    async def show(self, task_id: int) -> tuple[Task, Sequence[Attempt]]:
        """A task and its attempts. Raises NotFound."""
        ...

    async def open_tasks(self, limit: int = 50) -> Sequence[Task]:
        """The tasks that have not ended, running first, then by urgency."""
        ...

    async def in_thread(self, channel: str, thread: str) -> Sequence[Task]:
        """The newest tasks whose answers go into that thread, oldest first."""
        ...

    async def another_cap(self, task_id: int, actor: str) -> Task:
        """Queues an ended task again with another cap's worth of money. Raises NotFound, MoveRefused."""
        ...

    async def cheaper(self, task_id: int, actor: str) -> Task:
        """Sends a waiting task to the next cheaper tier. Raises NotFound, MoveRefused."""
        ...

    async def reprioritise(self, task_id: int, priority: int, actor: str, key: str = "") -> Task:
        """Gives a task that waits another priority and its route, once for each request's `key`.

        Raises NotFound, MoveRefused.
        """
        ...

    async def hold(self, task_id: int, actor: str, key: str = "") -> Task:
        """Holds a task that waits until it is released, once for each `key`. Raises NotFound, MoveRefused."""
        ...

    async def release(self, task_id: int, actor: str, key: str = "") -> Task:
        """Queues a task again that a person holds, once for each `key`. Raises NotFound, MoveRefused."""
        ...

    async def follow(self, task_id: int, actor: str, key: str = "") -> Task:
        """Ends a task in favour of the one that it looks like, once for each `key`.

        Raises NotFound, MoveRefused.
        """
        ...

    async def tier_up(self, task_id: int, actor: str, key: str = "") -> Task:
        """Runs an ended task again one tier up, once for each `key`: an answered one as a new task.

        Raises NotFound, MoveRefused.
        """
        ...

    async def feedback(self, task_id: int, person: str, liked: bool) -> Task:
        """Notes what a person thinks of a task's answer; the last word counts. Raises NotFound."""
        ...

    async def outlooks(self, tasks: Iterable[Task]) -> Mapping[int, Outlook]:
        """What can be said of each task by number: what such tasks come to, and when queued ones start."""
        ...

    async def answer(self, question_id: int, answer: str, person: str, key: str) -> Question:
        """Gives a session the answer to its question; the same `key` again changes nothing.

        Raises NotFound, and MoveRefused where the question is over or that is no answer to it.
        """
        ...

    async def question(self, question_id: int) -> Question:
        """One question. Raises NotFound."""
        ...

    async def questions(self, task_id: int) -> Sequence[Question]:
        """All questions of a task, first to newest."""
        ...

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        ...

    async def history(self, task_id: int) -> Sequence[Step]:
        """All moves of a task, first to newest. Raises NotFound."""
        ...

    async def resume(self, actor: str) -> Sequence[Gate]:
        """Lets one task try at once at every closed gate. Which gates those were."""
        ...

    async def pause(self, actor: str) -> Paused:
        """Lets nothing new start, unless the queue is paused already; the pause that stands."""
        ...

    async def unpause(self, actor: str) -> Paused | None:
        """Lets the queue go on; the pause that stood until now."""
        ...

    async def paused(self) -> Paused | None:
        """Who paused the queue, and when; None where it is not paused."""
        ...

    async def gates(self) -> Mapping[str, Gate]:
        """The gates that are or were closed, by name."""
        ...


class Accounts(Protocol):
    """What Slack's requests need to know of money."""

    async def cost(self, first: date, last: date) -> Sequence[Spending]:
        """What each tier spent on the days `first` to `last`, both included."""
        ...

    def today(self) -> date:
        """The date where the team is."""
        ...


class Alarms(Protocol):
    """What operators are told and may answer."""

    async def acknowledge(self, key: str, person: str) -> str:
        """Notes that the person looks after the alarm of that key; words for them. Raises StoreError."""
        ...


class Rights(Protocol):
    """What Slack's requests need to know of who may do what. The `Desk` refuses by itself what is not let."""

    async def unreadable(self, person: str) -> str | None:
        """Why they may not be told of tasks and costs, as safe mrkdwn; None where they may."""
        ...

    async def operates(self, person: str) -> bool:
        """Whether they may do what only operators may."""
        ...

    async def may_run(self, person: str, scripts: Sequence[str]) -> Sequence[str]:
        """Which of these scripts they may run."""
        ...

    async def readable(self, person: str, channels: Collection[str]) -> frozenset[str]:
        """Those of the channels that they surely may read."""
        ...

    async def names(self, people: Sequence[str]) -> Mapping[str, str]:
        """What these people are called, of whom Slack says it at once."""
        ...

    def heard(self, channel: str) -> None:
        """Notes that a request has said that another company reads its channel."""
        ...
