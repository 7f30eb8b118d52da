"""`ports.Tasks` on SQLite: tasks and attempts as they are now."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dispatch.errors import NotFound
from dispatch.ports import UnderWay, Waiting
from dispatch.questions import Question
from dispatch.states import State, Step
from dispatch.store import rows
from dispatch.store.database import Database
from dispatch.task import Attempt, Task, Tier, is_off


class SqliteTasks:
    """Reads tasks and attempts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def task(self, task_id: int) -> Task:
        """One task. Raises NotFound."""
        row = await self.database.row("task", task_id=task_id)
        if row is None:
            raise NotFound(f"There is no task #{task_id}.")
        return rows.task(row)

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that are not terminal: running first, then by urgency."""
        return [rows.task(row) for row in await self.database.rows("open_tasks", limit=limit)]

    async def in_thread(self, channel: str, thread: str, limit: int) -> Sequence[Task]:
        """The newest tasks whose answers go into that thread, oldest first."""
        found = await self.database.rows("in_thread", channel=channel, thread=thread, limit=limit)
        return [rows.task(row) for row in found]

    async def ended_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that reached a terminal state in [since, until), but what another has taken up."""
        return [rows.task(row) for row in await self.database.rows("ended_tasks", since=since, until=until)]

    async def last_ended(self, limit: int) -> Sequence[Task]:
        """The tasks that reached a terminal state last, the newest first."""
        return [rows.task(row) for row in await self.database.rows("last_ended", limit=limit)]

    async def expired(self, since: datetime, until: datetime) -> Mapping[Tier, int]:
        """How many tasks of each tier expired in [since, until)."""
        found = await self.database.rows("expired", since=since, until=until)
        return {Tier(row["tier"]): row["tasks"] for row in found}

    async def attempts(self, task_id: int) -> Sequence[Attempt]:
        """All attempts of a task, first to newest."""
        return [rows.attempt(row) for row in await self.database.rows("attempts", task_id=task_id)]

    async def disputed(self, since: datetime, until: datetime) -> Sequence[int]:
        """The tasks of the attempts that ended in [since, until) and whose own runtime names another cost."""
        return [
            row["task_id"]
            for row in await self.database.rows("self_costed", since=since, until=until)
            if is_off(row["said_micro_usd"], row["cost_micro_usd"], row["unpriced"])
        ]

    async def questions(self, task_id: int) -> Sequence[Question]:
        """All questions of a task, first to newest."""
        return [rows.question(row) for row in await self.database.rows("questions", task_id=task_id)]

    async def history(self, task_id: int) -> Sequence[Step]:
        """All moves of a task, first to newest."""
        return [rows.step(row) for row in await self.database.rows("history", task_id=task_id)]

    async def question(self, question_id: int) -> Question:
        """One question. Raises NotFound."""
        row = await self.database.row("question", question_id=question_id)
        if row is None:
            raise NotFound(f"There is no question {question_id}.")
        return rows.question(row)

    async def children(self, task_id: int) -> int:
        """How many follow-ups the task has made."""
        (row,) = await self.database.rows("children", task_id=task_id)
        return int(row["children"])

    async def counts(self) -> Mapping[State, int]:
        """Tasks by state, of those that are not terminal."""
        return {State(row["state"]): row["tasks"] for row in await self.database.rows("counts")}

    async def waiting(self) -> Sequence[Waiting]:
        """What is queued in each tier that has anything queued."""
        return [
            Waiting(
                tier=Tier(row["tier"]),
                tasks=row["tasks"],
                first=rows.task(first),
                running=row["running"],
                last_start=rows.maybe_moment(row["last_start"]),
            )
            for row in await self.database.rows("waiting")
            if (first := await self.database.row("first_in_line", tier=row["tier"])) is not None
        ]

    async def under_way(self) -> Sequence[UnderWay]:
        """The running tasks, when their attempts began, and the tokens booked for these."""
        return [
            UnderWay(rows.task(row), rows.moment(row["started_at"]), row["tokens"])
            for row in await self.database.rows("under_way")
        ]
