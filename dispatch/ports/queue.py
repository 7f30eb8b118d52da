"""The queue: tasks, their attempts, and the gates they wait at."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dispatch.budget import Purse
from dispatch.gates import Gate
from dispatch.pauses import Paused
from dispatch.policy import Quota, Ration, Seating, Settlement
from dispatch.ports.additions import Additions
from dispatch.ports.line import Feedback, Line, Pauses, Steering
from dispatch.questions import Question
from dispatch.states import State, Step
from dispatch.task import Attempt, Claim, NewTask, Outcome, Route, Task, Tier
from dispatch.work import Work


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is queued in one tier, and when the newest of its running attempts began."""

    tier: Tier
    tasks: int
    first: Task
    running: int
    last_start: datetime | None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A running task, when its attempt began, and the tokens booked for it, in and out."""

    task: Task
    started_at: datetime
    tokens: int


class Tasks(Pauses, Protocol):
    """Tasks and their attempts, as they are now."""

    async def task(self, task_id: int) -> Task:
        """One task. Raises NotFound."""
        ...

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that are not terminal: running first, then by urgency."""
        ...

    async def in_thread(self, channel: str, thread: str, limit: int) -> Sequence[Task]:
        """The newest tasks whose answers go into that thread, oldest first."""
        ...

    async def ended_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that reached a terminal state in [since, until), but what another has taken up."""
        ...

    async def last_ended(self, limit: int) -> Sequence[Task]:
        """The tasks that reached a terminal state last, the newest first."""
        ...

    async def expired(self, since: datetime, until: datetime) -> Mapping[Tier, int]:
        """How many tasks of each tier expired in [since, until)."""
        ...

    async def attempts(self, task_id: int) -> Sequence[Attempt]:
        """All attempts of a task, first to newest."""
        ...

    async def disputed(self, since: datetime, until: datetime) -> Sequence[int]:
        """The tasks of the attempts that ended in [since, until) and whose own runtime names another cost.

        One entry for each attempt.
        """
        ...

    async def questions(self, task_id: int) -> Sequence[Question]:
        """All questions of a task, first to newest."""
        ...

    async def history(self, task_id: int) -> Sequence[Step]:
        """All moves of a task, first to newest."""
        ...

    async def question(self, question_id: int) -> Question:
        """One question. Raises NotFound."""
        ...

    async def children(self, task_id: int) -> int:
        """How many follow-ups the task has made."""
        ...

    async def counts(self) -> Mapping[State, int]:
        """Tasks by state, of those that are not terminal."""
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """What is queued in each tier that has anything queued."""
        ...

    async def under_way(self) -> Sequence[UnderWay]:
        """The running tasks."""
        ...


class Queue(Tasks, Line, Steering, Feedback, Additions, Protocol):
    """The moves of tasks. Each is one transaction that also makes what is due to people."""

    async def enqueue(
        self,
        new: NewTask,
        route: Route,
        now: datetime,
        quota: Quota | None = None,
        ration: Ration | None = None,
    ) -> tuple[Task, bool]:
        """Stores the task queued, with its card due; False beside it when the request was known already.

        Raises NotAdmitted where as many wait as may, or the requester has had their ration of the day.
        """
        ...

    async def claim(
        self,
        tier: Tier,
        seating: Seating,
        lease_until: datetime,
        now: datetime,
        purse: Purse | None = None,
    ) -> Claim | None:
        """Takes the first in line of the tier, if its gates, a seat and the budgets in `purse` let it.

        In line they stand by rank (the priority, moved up with age), then one of each requester in turn.
        A task that no budget has room for is held instead and the next one is taken. Where a gate may be
        probed the task taken is its only probe.
        """
        ...

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolongs the lease. False when the claim no longer holds."""
        ...

    async def progress(self, claim: Claim, text: str, now: datetime, *, own: bool = False) -> None:
        """Notes what the session is doing now, in its runner's `own` words or others. Raises LeaseLost."""
        ...

    async def note_work(self, task_id: int, attempt: int, work: Work, now: datetime) -> None:
        """Names what an attempt has left, while what was said in its task is kept."""
        ...

    async def settle(self, claim: Claim, outcome: Outcome, settlement: Settlement, now: datetime) -> Task:
        """Ends the attempt and moves the task, with the reply due. Raises LeaseLost.

        A task that is to wait for an answer goes back to its place where that has come already.
        """
        ...

    async def give_back(self, claim: Claim, reason: str, now: datetime) -> None:
        """Queues a running task again: its attempt was lost through no fault of its own. Raises LeaseLost."""
        ...

    async def cancel(self, task_id: int, actor: str, now: datetime) -> Task:
        """Cancels a task that does not run, or asks the running session to stop.

        Raises NotFound, MoveRefused.
        """
        ...

    async def retry(
        self, task_id: int, actor: str, now: datetime, key: str = "", ration: Ration | None = None
    ) -> Task:
        """Queues an ended task again, with its strikes forgotten, once for each request's `key`.

        What has followed another counts towards its requester's day from now on.
        Raises NotFound, MoveRefused.
        """
        ...

    async def reroute(
        self,
        task_id: int,
        asked_model: str | None,
        cap_micro_usd: int | None,
        route: Route,
        actor: str,
        now: datetime,
        ration: Ration | None = None,
        key: str = "",
    ) -> Task:
        """Sends a task that waits or has ended another way, and queues it at once, once for each `key`.

        Requesters may do so within their ration of the day, operators whenever. Raises NotFound, MoveRefused.
        """
        ...

    async def pause(self, actor: str, now: datetime) -> Paused:
        """Pauses the queue, unless it is paused already: nothing is claimed. The pause that stands."""
        ...

    async def unpause(self, now: datetime) -> Paused | None:
        """Lets the queue go on; the pause that stood until now."""
        ...

    async def release(self, purse: Purse, seats: Mapping[Tier, int], now: datetime) -> int:
        """Queues the tasks held by a budget that has room for them again, as many as have a free seat.

        First in line first. How many.
        """
        ...

    async def age(self, now: datetime) -> int:
        """Moves the tasks up a rank that have waited long enough for it. How many."""
        ...

    async def expire(self, now: datetime) -> int:
        """Ends the tasks that nobody needs any more: their time has come and they do not run. How many."""
        ...

    async def promote(self, now: datetime) -> int:
        """Queues the held tasks whose time has come. How many."""
        ...

    async def sweep(self, now: datetime, alive: Collection[tuple[int, int]] = ()) -> int:
        """Queues again the running tasks whose lease has ended. How many.

        The (task, attempt) pairs that are known to be `alive` only could not renew theirs in time.
        """
        ...

    async def recover(self, now: datetime) -> int:
        """Queues again every running task. For the start, when no other process can hold one. How many."""
        ...


class Gates(Protocol):
    """The gates that tasks wait at."""

    async def all(self) -> Mapping[str, Gate]:
        """Every gate that is or was closed, by name; one that is missing is open."""
        ...

    async def resume(self, now: datetime) -> Sequence[Gate]:
        """Lets a probe go at once at every gate that is not open. Which those are."""
        ...

    async def recover(self, now: datetime) -> None:
        """Makes a probe due again whose task no longer runs. For the start."""
        ...
