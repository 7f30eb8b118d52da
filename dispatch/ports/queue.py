"""The queue: tasks, their attempts, and the gates they wait at."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dispatch.policy import Settlement
from dispatch.task import Attempt, Claim, NewTask, Outcome, Route, State, Task, Tier


class Queue(Protocol):
    """Tasks and their attempts. Every move is one transaction that also makes what is due to people."""

    async def enqueue(self, new: NewTask, route: Route, now: datetime) -> tuple[Task, bool]:
        """Stores the task queued, with its card due; False beside it when the request was known already."""
        ...

    async def claim(self, tier: Tier, seats: int, lease_until: datetime, now: datetime) -> Claim | None:
        """Takes the most urgent, then oldest queued task of the tier, if one of its seats is free."""
        ...

    async def renew(self, claim: Claim, lease_until: datetime) -> bool:
        """Prolongs the lease. False when the claim no longer holds."""
        ...

    async def progress(self, claim: Claim, text: str, now: datetime) -> None:
        """Notes what the session is doing now. Raises LeaseLost."""
        ...

    async def settle(self, claim: Claim, outcome: Outcome, settlement: Settlement, now: datetime) -> Task:
        """Ends the attempt and moves the task, with the reply due. Raises LeaseLost."""
        ...

    async def give_back(self, claim: Claim, reason: str, now: datetime) -> None:
        """Queues a running task again: its attempt was lost through no fault of its own. Raises LeaseLost."""
        ...

    async def cancel(self, task_id: int, actor: str, now: datetime) -> Task:
        """Cancels a task that does not run, or asks the running session to stop.

        Raises NotFound, MoveRefused.
        """
        ...

    async def retry(self, task_id: int, actor: str, now: datetime) -> Task:
        """Queues an ended task again, with its strikes forgotten. Raises NotFound, MoveRefused."""
        ...

    async def promote(self, now: datetime) -> int:
        """Queues the held tasks whose time has come. How many."""
        ...

    async def sweep(self, now: datetime) -> int:
        """Queues again the running tasks whose lease has ended. How many."""
        ...

    async def recover(self, now: datetime) -> int:
        """Queues again every running task. For the start, when no other process can hold one. How many."""
        ...

    async def task(self, task_id: int) -> Task:
        """One task. Raises NotFound."""
        ...

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that are not terminal: running first, then by urgency."""
        ...

    async def ended_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that reached a terminal state in [since, until)."""
        ...

    async def attempts(self, task_id: int) -> Sequence[Attempt]:
        """All attempts of a task, first to newest."""
        ...

    async def position(self, task_id: int) -> int:
        """How many queued tasks of its tier go before this one."""
        ...

    async def children(self, task_id: int) -> int:
        """How many follow-ups the task has made."""
        ...

    async def counts(self) -> Mapping[State, int]:
        """Tasks by state, of those that are not terminal."""
        ...
