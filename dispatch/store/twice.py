"""What is asked twice, inside a transaction: it waits for a word, and may follow the task that it is like."""

from datetime import datetime

from dispatch.delivery import DeliveryKind
from dispatch.policy import DECIDE, SAME
from dispatch.states import TERMINAL, State
from dispatch.store import rows
from dispatch.store.database import Transaction
from dispatch.store.moves import change, known, tell_follower
from dispatch.task import HoldKind, Source, Task


async def ask_whether_twice(transaction: Transaction, task: Task, now: datetime) -> Task:
    """Holds a task that is like one under way or just done, if there is one, and asks its requester.

    Only what they asked for themselves or in the same channel is looked at: nothing else is revealed.
    """
    row = await transaction.row("same_as", task_id=task.id, since=now - SAME)
    if row is None:
        return task
    why = f"looks like #{row['id']}"
    held = await change(
        transaction, task, State.HELD, now, hold=HoldKind.PERSON, run_at=now + DECIDE, detail=why
    )
    direct = task.source is Source.DM
    await transaction.rows(
        "put_private",
        key=f"alike:{task.id}",
        kind=DeliveryKind.REPLY if direct else DeliveryKind.WHISPER,
        task_id=task.id,
        thread=task.thread if direct else None,
        person=task.requester,
        now=now,
    )
    (asked,) = await transaction.rows("put_alike", task_id=held.id, alike=row["id"])
    return rows.task(asked)


async def follow(transaction: Transaction, task: Task, number: int, actor: str, now: datetime) -> Task:
    """Ends a task in favour of another, whose answer it is to have as well: at once, if that has ended."""
    await change(transaction, task, State.CANCELLED, now, actor=actor, detail=f"follows #{number}")
    (row,) = await transaction.rows("put_follows", task_id=task.id, follows=number)
    follower, leader = rows.task(row), await known(transaction, number)
    if leader.state in TERMINAL:
        await tell_follower(transaction, follower, leader, now)
    return follower
