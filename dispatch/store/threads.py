"""What people say in a task's thread, inside a transaction: it waits for the task before it."""

from datetime import datetime

from dispatch.additions import adds_to
from dispatch.states import State
from dispatch.store import rows
from dispatch.store.database import Transaction
from dispatch.store.moves import change
from dispatch.task import HoldKind, Task


async def wait_in_thread(transaction: Transaction, task: Task, meant: int | None, now: datetime) -> Task:
    """Holds a person's follow-up until the newest task of its thread that is open has ended, if one is.

    Where what it goes on from takes another task's answer, that one has to end as well. It adds to the task
    it is `meant` for, if that runs.
    """
    found = await transaction.row("open_before", task_id=task.id)
    if not task.follows_up or found is None:
        return task
    before = rows.task(found)
    held = await change(
        transaction, task, State.HELD, now, hold=HoldKind.PERSON, detail=f"after #{before.id}"
    )
    (row,) = await transaction.rows(
        "put_behind", task_id=held.id, behind=before.id, adds_to=adds_to(meant, before)
    )
    return rows.task(row)
