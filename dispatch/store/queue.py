"""`ports.Queue` on SQLite."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from dispatch.delivery import DeliveryKind
from dispatch.errors import MoveRefused, NotFound
from dispatch.policy import Settlement
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.moves import DISPATCHER, change, end_attempt, held_by, known, lose, remember, tell
from dispatch.task import (
    MOVES,
    Attempt,
    Claim,
    Move,
    NewTask,
    Outcome,
    Route,
    State,
    Task,
    Tier,
    Verdict,
)

_ANSWERED = frozenset({State.DONE, State.FAILED, State.CANCELLED})
_RETRYABLE = MOVES[Move.RETRY][0]


class SqliteQueue:
    """Tasks and their attempts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @in_transaction
    async def enqueue(
        self, transaction: Transaction, new: NewTask, route: Route, now: datetime
    ) -> tuple[Task, bool]:
        """Stores the task queued, with its card due; False beside it when the request was known already."""
        stored = await transaction.row("task_of_request", request_key=new.request_key)
        if stored is not None:
            return rows.task(stored), False
        (row,) = await transaction.rows("enqueue", **_columns(new, route), now=now)
        task = rows.task(row)
        await remember(transaction, task.id, Move.ENQUEUE, now, new.requester)
        await tell(transaction, task, DeliveryKind.CARD, f"card:{task.id}", now)
        return task, True

    async def claim(self, tier: Tier, seats: int, lease_until: datetime, now: datetime) -> Claim | None:
        """Takes the most urgent, then oldest queued task of the tier, if one of its seats is free.

        A claim whose caller is cancelled meanwhile is given back before the caller learns of it.
        """
        claiming = self.database.start(self._claim(tier, seats, lease_until, now))
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await asyncio.shield(self.database.start(self._give_back_unseen(claiming, now)))
            raise

    @in_transaction
    async def renew(self, transaction: Transaction, claim: Claim, lease_until: datetime) -> bool:
        """Prolongs the lease. False when the claim no longer holds."""
        row = await transaction.row(
            "renew", task_id=claim.task.id, attempt=claim.attempt, lease_until=lease_until
        )
        return row is not None

    @in_transaction
    async def progress(self, transaction: Transaction, claim: Claim, text: str, now: datetime) -> None:
        """Notes what the session is doing now. Raises LeaseLost."""
        task = await held_by(transaction, claim)
        await transaction.rows("progress", task_id=task.id, attempt=task.attempt, text=text)
        await transaction.rows("raise_card", task_id=task.id, now=now)

    @in_transaction
    async def settle(
        self,
        transaction: Transaction,
        claim: Claim,
        outcome: Outcome,
        settlement: Settlement,
        now: datetime,
    ) -> Task:
        """Ends the attempt and moves the task, with the reply due. Raises LeaseLost.

        A task that should wait for another attempt is cancelled instead where a person asked for that.
        """
        task = await held_by(transaction, claim)
        await end_attempt(transaction, task, outcome, now)
        cancelled = task.cancel_asked and settlement.state in {State.HELD, State.QUEUED}
        target = State.CANCELLED if cancelled else settlement.state
        settled = await change(
            transaction,
            task,
            target,
            now,
            detail=outcome.fault.kind if outcome.fault else "",
            run_at=settlement.run_at if target is State.HELD else None,
            strikes=task.strikes + settlement.strike,
        )
        if target in _ANSWERED:
            await tell(transaction, settled, DeliveryKind.ANSWER, f"answer:{task.id}:{task.attempt}", now)
        return settled

    @in_transaction
    async def give_back(self, transaction: Transaction, claim: Claim, reason: str, now: datetime) -> None:
        """Queues a running task again: its attempt was lost through no fault of its own. Raises LeaseLost."""
        await lose(transaction, await held_by(transaction, claim), reason, now)

    @in_transaction
    async def cancel(self, transaction: Transaction, task_id: int, actor: str, now: datetime) -> Task:
        """Cancels a task that does not run, or asks the running session to stop.

        Raises NotFound, MoveRefused.
        """
        task = await known(transaction, task_id)
        if task.state not in MOVES[Move.CANCEL][0]:
            raise MoveRefused(f"#{task.id} is {task.state} already; there is nothing to cancel.")
        if task.state is not State.RUNNING:
            return await change(transaction, task, State.CANCELLED, now, actor=actor)
        if task.cancel_asked:
            return task
        await remember(transaction, task.id, Move.CANCEL, now, actor, "asked")
        await transaction.rows("raise_card", task_id=task.id, now=now)
        asked = await transaction.rows("ask_cancel", task_id=task.id, now=now)
        return rows.task(asked[0])

    @in_transaction
    async def retry(self, transaction: Transaction, task_id: int, actor: str, now: datetime) -> Task:
        """Queues an ended task again, with its strikes forgotten. Raises NotFound, MoveRefused."""
        task = await known(transaction, task_id)
        if task.state is State.DONE:
            raise MoveRefused(f"#{task.id} is done, and done stays done. Send it again as a new task.")
        if task.forgotten:
            raise MoveRefused(
                f"#{task.id} ended long ago and its words are no longer kept. Send it again as a new task."
            )
        if task.state not in _RETRYABLE:
            raise MoveRefused(f"#{task.id} is {task.state}; it has not ended, so there is nothing to retry.")
        return await change(transaction, task, State.QUEUED, now, actor=actor, strikes=0)

    @in_transaction
    async def promote(self, transaction: Transaction, now: datetime) -> int:
        """Queues the held tasks whose time has come. How many."""
        await transaction.rows("remember_promoted", now=now, move=Move.RELEASE, actor=DISPATCHER)
        await transaction.rows("raise_promoted_cards", now=now)
        return len(await transaction.rows("promote", now=now))

    @in_transaction
    async def sweep(self, transaction: Transaction, now: datetime) -> int:
        """Queues again the running tasks whose lease has ended. How many."""
        overdue = await transaction.rows("overdue", now=now)
        for row in overdue:
            await lose(transaction, rows.task(row), "its lease ended", now)
        return len(overdue)

    @in_transaction
    async def recover(self, transaction: Transaction, now: datetime) -> int:
        """Queues again every running task. For the start, when no other process can hold one. How many."""
        running = await transaction.rows("running")
        for row in running:
            await lose(transaction, rows.task(row), "the bot was restarted", now)
        return len(running)

    async def task(self, task_id: int) -> Task:
        """One task. Raises NotFound."""
        row = await self.database.row("task", task_id=task_id)
        if row is None:
            raise NotFound(f"There is no task #{task_id}.")
        return rows.task(row)

    async def open_tasks(self, limit: int) -> Sequence[Task]:
        """The tasks that are not terminal: running first, then by urgency."""
        return [rows.task(row) for row in await self.database.rows("open_tasks", limit=limit)]

    async def ended_tasks(self, since: datetime, until: datetime) -> Sequence[Task]:
        """The tasks that reached a terminal state in [since, until)."""
        return [rows.task(row) for row in await self.database.rows("ended_tasks", since=since, until=until)]

    async def attempts(self, task_id: int) -> Sequence[Attempt]:
        """All attempts of a task, first to newest."""
        return [rows.attempt(row) for row in await self.database.rows("attempts", task_id=task_id)]

    async def position(self, task_id: int) -> int:
        """How many queued tasks of its tier go before this one."""
        task = await self.task(task_id)
        (row,) = await self.database.rows(
            "position", task_id=task.id, tier=task.route.tier, priority=task.priority
        )
        return int(row["ahead"])

    async def children(self, task_id: int) -> int:
        """How many follow-ups the task has made."""
        (row,) = await self.database.rows("children", task_id=task_id)
        return int(row["children"])

    async def counts(self) -> Mapping[State, int]:
        """Tasks by state, of those that are not terminal."""
        return {State(row["state"]): row["tasks"] for row in await self.database.rows("counts")}

    @in_transaction
    async def _claim(
        self, transaction: Transaction, tier: Tier, seats: int, lease_until: datetime, now: datetime
    ) -> Claim | None:
        row = await transaction.row("claim", tier=tier, seats=seats, lease_until=lease_until, now=now)
        if row is None:
            return None
        task = rows.task(row)
        await transaction.rows(
            "start_attempt", task_id=task.id, attempt=task.attempt, model=task.route.model, now=now
        )
        await remember(transaction, task.id, Move.CLAIM, now)
        await transaction.rows("raise_card", task_id=task.id, now=now)
        return Claim(task, task.attempt, lease_until)

    async def _give_back_unseen(self, claiming: "asyncio.Task[Claim | None]", now: datetime) -> None:
        await asyncio.wait({claiming})
        if not claiming.cancelled() and claiming.exception() is None and (claim := claiming.result()):
            await self._unclaim(claim, now)

    @in_transaction
    async def _unclaim(self, transaction: Transaction, claim: Claim, now: datetime) -> None:
        task = await held_by(transaction, claim)
        await end_attempt(transaction, task, Outcome(Verdict.LOST), now)
        await change(transaction, task, State.QUEUED, now, detail="claimed for nobody")


def _columns(new: NewTask, route: Route) -> dict[str, object]:
    return {
        "request_key": new.request_key,
        "source": new.source,
        "requester": new.requester,
        "words": new.words,
        "priority": new.priority,
        "asked_model": new.model,
        "asked_cap_micro_usd": new.cap_micro_usd,
        "tier": route.tier,
        "model": route.model,
        "reason": route.reason,
        "cap_micro_usd": route.cap_micro_usd,
        "channel": new.channel,
        "thread": new.thread,
        "message": new.message,
        "quote_thread": new.quote_thread,
        "parent": new.parent,
        "depth": new.depth,
    }
