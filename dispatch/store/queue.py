"""`ports.Queue` on SQLite."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime

from dispatch.budget import Purse
from dispatch.delivery import DeliveryKind
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.policy import AGEING, FRONT, Quota, Ration, Seating, Settlement
from dispatch.states import MOVES, Move, State
from dispatch.store import gates, rows
from dispatch.store.additions import SqliteAdditions
from dispatch.store.claiming import claim, release, restate
from dispatch.store.database import Transaction, in_transaction
from dispatch.store.line import check, over_ration, rationed, rejoin, stay_within, take_turn
from dispatch.store.moves import DISPATCHER, change, end_attempt, held_by, known, lose, remember, tell
from dispatch.store.pauses import SqlitePauses
from dispatch.store.pausing import pause
from dispatch.store.standing import SqliteStanding
from dispatch.store.steering import SqliteSteering
from dispatch.store.tasks import SqliteTasks
from dispatch.store.threads import wait_in_thread
from dispatch.store.twice import ask_whether_twice
from dispatch.task import Claim, NewTask, Outcome, Route, Source, Task, Tier, Verdict
from dispatch.work import Work

_ANSWERED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.PARKED})
_GOES_ON = frozenset({State.HELD, State.QUEUED, State.WAITING})
_RETRYABLE = MOVES[Move.RETRY][0]
_BATCH = 200


class SqliteQueue(SqliteTasks, SqliteStanding, SqliteSteering, SqliteAdditions, SqlitePauses):
    """Tasks and the moves between their states."""

    @in_transaction
    async def enqueue(
        self,
        transaction: Transaction,
        new: NewTask,
        route: Route,
        now: datetime,
        quota: Quota | None = None,
        ration: Ration | None = None,
    ) -> tuple[Task, bool]:
        """Stores the task queued, with its card due; False beside it when the request was known already.

        Raises NotAdmitted where as many wait as may, or the requester has had their ration of the day.
        """
        stored = await transaction.row("task_of_request", request_key=new.request_key)
        if stored is not None:
            return rows.task(stored), False
        if quota is not None:
            await check(transaction, new, quota)
        (row,) = await transaction.rows("enqueue", **rows.columns(new, route), ages_at=now + AGEING, now=now)
        if refusal := await over_ration(transaction, int(row["id"]), new.requester, ration):
            raise NotAdmitted(refusal)
        task = await take_turn(transaction, int(row["id"]))
        follows = new.source is Source.FOLLOW_UP
        actor, why = (DISPATCHER, f"follow-up of #{new.parent}") if follows else (new.requester, "")
        await remember(transaction, task.id, Move.ENQUEUE, now, actor, why)
        await tell(transaction, task, DeliveryKind.CARD, f"card:{task.id}", now)
        if new.unless_alike:
            task = await ask_whether_twice(transaction, task, now)
        return await wait_in_thread(transaction, task, new.adds_to, now), True

    async def claim(
        self,
        tier: Tier,
        seating: Seating,
        lease_until: datetime,
        now: datetime,
        purse: Purse | None = None,
    ) -> Claim | None:
        """Takes the first in line of the tier, if its gates, a seat and the budgets in `purse` let it.

        A claim whose caller is cancelled meanwhile is given back before the caller learns of it.
        """
        claiming = self.database.start(self._claim(tier, seating, purse, lease_until, now))
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
    async def progress(
        self, transaction: Transaction, claim: Claim, text: str, now: datetime, *, own: bool = False
    ) -> None:
        """Notes what the session is doing now, in its runner's `own` words or others. Raises LeaseLost."""
        task = await held_by(transaction, claim)
        await transaction.rows("progress", task_id=task.id, attempt=task.attempt, text=text, own=own)
        await transaction.rows("raise_card", task_id=task.id, now=now)

    @in_transaction
    async def note_work(
        self, transaction: Transaction, task_id: int, attempt: int, work: Work, now: datetime
    ) -> None:
        """Names what an attempt has left, while what was said in its task is kept."""
        noted = {"branch": work.branch, "diffstat": work.diffstat, "diff": work.diff, "kept": work.kept}
        await transaction.rows("note_work", task_id=task_id, attempt=attempt, **noted)
        await transaction.rows("raise_card", task_id=task_id, now=now)

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

        A task that should wait for another attempt is cancelled instead where a person asked for that. One
        that should wait for an answer goes back to its place where that has come already.
        """
        task = await held_by(transaction, claim)
        await end_attempt(transaction, task, outcome, now)
        target = settlement.state
        if task.cancel_asked and target in _GOES_ON:
            target = State.CANCELLED
        elif target is State.WAITING:
            target = await pause(transaction, task, outcome.conversation, now)
        settled = await change(
            transaction,
            task,
            target,
            now,
            detail=outcome.fault.kind if outcome.fault else "",
            run_at=settlement.run_at if target is State.HELD else None,
            hold=settlement.hold if target is State.HELD else None,
            strikes=task.strikes + settlement.strike,
        )
        await gates.put(transaction, settlement.gates, now)
        for suspect in settlement.suspects:
            await transaction.rows("suspect", task_id=suspect)
        if target in _ANSWERED:
            await tell(transaction, settled, DeliveryKind.ANSWER, f"answer:{task.id}:{task.attempt}", now)
        return settled

    @in_transaction
    async def give_back(self, transaction: Transaction, claim: Claim, reason: str, now: datetime) -> None:
        """Queues a running task again: its attempt was lost through no fault of its own. Raises LeaseLost."""
        await lose(transaction, await held_by(transaction, claim), reason, now, died=False)

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
    async def retry(
        self,
        transaction: Transaction,
        task_id: int,
        actor: str,
        now: datetime,
        key: str = "",
        ration: Ration | None = None,
    ) -> Task:
        """Queues an ended task again, with its strikes forgotten, once for each request's `key`.

        What has followed another counts towards its requester's day from now on.
        Raises NotFound, MoveRefused.
        """
        task = await known(transaction, task_id)
        if key and not await transaction.rows("take_retry_request", key=key, task_id=task_id, now=now):
            raise MoveRefused(f"This request has had #{task.id} run again already.")
        if task.state is State.DONE:
            raise MoveRefused(f"#{task.id} is done, and done stays done. Send it again as a new task.")
        if task.forgotten:
            raise MoveRefused(
                f"#{task.id} ended long ago and its words are no longer kept. Send it again as a new task."
            )
        if task.state not in _RETRYABLE:
            raise MoveRefused(f"#{task.id} is {task.state}; it has not ended, so there is nothing to retry.")
        before = await rationed(transaction, task.id)
        await rejoin(transaction, task.id, now)
        await change(transaction, task, State.QUEUED, now, actor=actor, strikes=0)
        await stay_within(transaction, task, before, actor, ration)
        return await take_turn(transaction, task.id)

    @in_transaction
    async def promote(self, transaction: Transaction, now: datetime) -> int:
        """Queues the held tasks whose time has come. How many."""
        await transaction.rows("remember_promoted", now=now, move=Move.RELEASE, actor=DISPATCHER)
        await transaction.rows("raise_promoted_cards", now=now)
        return len(await transaction.rows("promote", now=now))

    @in_transaction
    async def release(
        self, transaction: Transaction, purse: Purse, seats: Mapping[Tier, int], now: datetime
    ) -> int:
        """Queues the tasks held by a budget that has room for them again, as many as have a free seat.

        First in line first. How many.
        """
        return await release(transaction, purse, seats, now)

    @in_transaction
    async def restate(self, transaction: Transaction, purse: Purse, most: int, now: datetime) -> int:
        """Notes anew what keeps tasks waiting that no budget has room for, at most so many. How many."""
        return await restate(transaction, purse, most, now)

    @in_transaction
    async def age(self, transaction: Transaction, now: datetime) -> int:
        """Moves the tasks up a rank that have waited long enough for it. How many."""
        old = await transaction.rows("ageing", now=now, limit=_BATCH)
        for row in old:
            rank = max(row["rank"] - 1, FRONT)
            again = now + AGEING if rank > FRONT else None
            await transaction.rows("age", task_id=row["id"], rank=min(rank, row["rank"]), ages_at=again)
            if rank < row["rank"]:
                await take_turn(transaction, row["id"])
        return len(old)

    @in_transaction
    async def expire(self, transaction: Transaction, now: datetime) -> int:
        """Ends the tasks that nobody needs any more: their time has come and they do not run. How many."""
        stale = await transaction.rows("expiring", now=now, limit=_BATCH)
        for row in stale:
            task = await change(transaction, rows.task(row), State.EXPIRED, now)
            await tell(transaction, task, DeliveryKind.ENDED, f"ended:{task.id}:{task.attempt}", now)
        return len(stale)

    @in_transaction
    async def sweep(
        self, transaction: Transaction, now: datetime, alive: Collection[tuple[int, int]] = ()
    ) -> int:
        """Queues again the running tasks whose lease has ended. How many.

        The (task, attempt) pairs that are known to be `alive` only could not renew theirs in time.
        """
        overdue = [rows.task(row) for row in await transaction.rows("overdue", now=now)]
        lapsed = [task for task in overdue if (task.id, task.attempt) not in alive]
        for task in lapsed:
            await lose(transaction, task, "its lease ended", now)
        return len(lapsed)

    @in_transaction
    async def recover(self, transaction: Transaction, now: datetime) -> int:
        """Queues again every running task. For the start, when no other process can hold one. How many."""
        running = await transaction.rows("running")
        for row in running:
            await lose(transaction, rows.task(row), "the bot was restarted", now)
        return len(running)

    @in_transaction
    async def _claim(
        self,
        transaction: Transaction,
        tier: Tier,
        seating: Seating,
        purse: Purse | None,
        lease_until: datetime,
        now: datetime,
    ) -> Claim | None:
        return await claim(transaction, tier, seating, purse, lease_until, now)

    async def _give_back_unseen(self, claiming: "asyncio.Task[Claim | None]", now: datetime) -> None:
        await asyncio.wait({claiming})
        if not claiming.cancelled() and claiming.exception() is None and (claim := claiming.result()):
            await self._unclaim(claim, now)

    @in_transaction
    async def _unclaim(self, transaction: Transaction, claim: Claim, now: datetime) -> None:
        task = await held_by(transaction, claim)
        await end_attempt(transaction, task, Outcome(Verdict.LOST), now)
        await change(transaction, task, State.QUEUED, now, detail="claimed for nobody")
