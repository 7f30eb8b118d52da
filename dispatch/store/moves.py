"""Moving a task inside a transaction: its new state, its history, and what becomes due to people."""

from datetime import datetime

from dispatch import policy
from dispatch.delivery import DeliveryKind
from dispatch.errors import LeaseLost, MoveRefused, NotFound
from dispatch.faults import Fault, FaultKind
from dispatch.states import MOVES, TERMINAL, Move, State
from dispatch.store import rows
from dispatch.store.database import Transaction
from dispatch.task import Claim, HoldKind, Outcome, Shortage, Task, Verdict

DISPATCHER = "onequeue"
"""The actor of the moves no person made."""

_MOVE = {
    (source, target): move
    for move, (sources, targets) in MOVES.items()
    for source in sources
    for target in targets
}


async def known(transaction: Transaction, task_id: int) -> Task:
    """The task. Raises NotFound."""
    row = await transaction.row("task", task_id=task_id)
    if row is None:
        raise NotFound(f"There is no task #{task_id}.")
    return rows.task(row)


async def held_by(transaction: Transaction, claim: Claim) -> Task:
    """The task as it is now, if the claim still owns it. Raises LeaseLost."""
    task = await known(transaction, claim.task.id)
    if task.state is not State.RUNNING or task.attempt != claim.attempt:
        raise LeaseLost(f"Attempt {claim.attempt} of #{task.id} no longer owns it.")
    return task


async def change(
    transaction: Transaction,
    task: Task,
    target: State,
    now: datetime,
    *,
    actor: str = DISPATCHER,
    detail: str = "",
    run_at: datetime | None = None,
    hold: HoldKind | None = None,
    shortage: Shortage | None = None,
    strikes: int | None = None,
    lost: bool = False,
) -> Task:
    """The task in its new state. Its card is due and its history told. Raises MoveRefused."""
    move = _MOVE.get((task.state, target))
    if task.taken_by is not None:
        raise MoveRefused(
            f"#{task.id} was taken up by #{task.taken_by} and never runs by itself. Say it again."
        )
    if move is None:
        raise MoveRefused(f"#{task.id} is {task.state}; it cannot become {target}.")
    if target in TERMINAL:
        # Whoever is behind one that waited itself waits for what that waited for.
        for moved_up in await transaction.rows("close_up", task_id=task.id):
            await transaction.rows("raise_card", task_id=moved_up["id"], now=now)
    row = await transaction.row(
        "move",
        task_id=task.id,
        state=target,
        run_at=run_at,
        hold=hold,
        shortage=rows.shortage_text(shortage),
        lost=lost,
        finished_at=now if target in TERMINAL else None,
        strikes=task.strikes if strikes is None else strikes,
        cancel_asked=task.cancel_asked and target in TERMINAL,
        now=now,
    )
    if row is None:
        raise NotFound(f"There is no task #{task.id}.")
    if task.state is State.RUNNING:
        # However it ended: a gate must not wait for a probe that does not run.
        await transaction.rows("stop_probing", now=now)
    if target in TERMINAL:
        await close_questions(transaction, task.id, now)
    await remember(transaction, task.id, move, now, actor, detail)
    await transaction.rows("raise_card", task_id=task.id, now=now)
    if target in TERMINAL:
        for waiting in await transaction.rows("behind", task_id=task.id):
            await change(transaction, rows.task(waiting), State.QUEUED, now, detail=f"#{task.id} has ended")
        undecided = await transaction.rows("undecided", task_id=task.id) if target is not State.DONE else ()
        for twin in undecided:
            await change(transaction, rows.task(twin), State.QUEUED, now, detail=f"#{task.id} is {target}")
        for follower in await transaction.rows("followers", task_id=task.id):
            await tell_follower(transaction, rows.task(follower), rows.task(row), now)
    return rows.task(row)


async def close_questions(transaction: Transaction, task_id: int, now: datetime) -> None:
    """Ends what a task asked: nobody needs an answer or a conversation of it any more."""
    await close_open_question(transaction, task_id, now)
    await transaction.rows("drop_conversations", task_id=task_id)


async def close_open_question(transaction: Transaction, task_id: int, now: datetime) -> None:
    """Ends the task's open question, if it has one, as stale; its message will say so."""
    for row in await transaction.rows("stale_questions", task_id=task_id, now=now):
        await transaction.rows("raise_question", question_id=row["id"], now=now)


async def remember(
    transaction: Transaction,
    task_id: int,
    move: Move,
    now: datetime,
    actor: str = DISPATCHER,
    detail: str = "",
) -> None:
    """Tells the task's history one move."""
    await transaction.rows("remember", task_id=task_id, move=move, now=now, actor=actor, detail=detail)


async def tell(
    transaction: Transaction, task: Task, kind: DeliveryKind, key: str, now: datetime, body: str = ""
) -> None:
    """Makes a delivery of the task due, if people wait for it in a channel."""
    if task.channel:
        await transaction.rows(
            "put_for_task",
            key=key,
            kind=kind,
            task_id=task.id,
            attempt=task.attempt or None,
            body=body,
            now=now,
        )


async def tell_follower(transaction: Transaction, follower: Task, leader: Task, now: datetime) -> None:
    """Makes due to a follower what the task has come to that it follows, once for each end of that."""
    key = f"shared:{follower.id}:{leader.id}:{leader.attempt}:{leader.state}"
    await tell(transaction, follower, DeliveryKind.ANSWER, key, now, str(leader.id))


async def end_attempt(transaction: Transaction, task: Task, outcome: Outcome, now: datetime) -> None:
    """Writes how the task's newest attempt ended."""
    fault, work = outcome.fault, outcome.work
    await transaction.rows(
        "end_attempt",
        task_id=task.id,
        attempt=task.attempt,
        now=now,
        verdict=outcome.verdict,
        fault=fault.kind if fault else None,
        fault_detail=fault.detail if fault else "",
        retry_after=fault.retry_after if fault else None,
        ran_model=outcome.model,
        text=outcome.text,
        branch=work.branch if work else None,
        diffstat=work.diffstat if work else "",
        diff=work.diff if work else "",
        kept=work.kept if work else None,
        said_micro_usd=outcome.said_micro_usd,
    )


async def lose(
    transaction: Transaction, task: Task, reason: str, now: datetime, *, died: bool = True
) -> Task:
    """Queues a running task again whose attempt was lost, and says so; ends it where that was asked.

    Where the process `died` in too many of its attempts the task is set aside; one that may not run twice
    has failed.
    """
    if task.cancel_asked:
        return await _cancel_lost(transaction, task, reason, now)
    await end_attempt(transaction, task, Outcome(Verdict.LOST, fault=Fault(FaultKind.LOST, reason)), now)
    target = policy.lost(task, died=died)
    kind, key = (
        (DeliveryKind.RESTART, "restart") if target is State.QUEUED else (DeliveryKind.ANSWER, "answer")
    )
    await tell(transaction, task, kind, f"{key}:{task.id}:{task.attempt}", now, reason)
    return await change(transaction, task, target, now, detail=reason, lost=died)


async def _cancel_lost(transaction: Transaction, task: Task, reason: str, now: datetime) -> Task:
    """Ends a task as it was asked to, with the answer that stopping its session would have had."""
    stopped = Outcome(Verdict.CANCELLED, fault=Fault(FaultKind.CANCELLED, reason))
    await end_attempt(transaction, task, stopped, now)
    await tell(transaction, task, DeliveryKind.ANSWER, f"answer:{task.id}:{task.attempt}", now)
    return await change(transaction, task, State.CANCELLED, now, detail=reason)
