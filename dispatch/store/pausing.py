"""Tasks that wait for an answer inside a transaction: how they begin to wait, and go on."""

from datetime import datetime

from dispatch.questions import Question, ruling
from dispatch.states import Move, State
from dispatch.store import rows
from dispatch.store.database import Transaction
from dispatch.store.line import send_another_way, take_turn
from dispatch.store.moves import DISPATCHER, change, known, remember
from dispatch.task import Resumed, Task

_AT_REST = frozenset({State.QUEUED, State.HELD, State.WAITING})


async def pause(transaction: Transaction, task: Task, conversation: bytes | None, now: datetime) -> State:
    """Keeps the conversation of an attempt that asked; where its task goes.

    It waits while the question is open. An attempt that asked nothing has failed.
    """
    asked = await _asked_by(transaction, task)
    if asked is None:
        return State.FAILED
    await transaction.rows(
        "keep_conversation", task_id=task.id, question_id=asked.id, conversation=conversation
    )
    if asked.ending is None:
        return State.WAITING
    await _raise(transaction, task, asked, now)
    return State.QUEUED


async def go_on(transaction: Transaction, question: Question, now: datetime, actor: str = DISPATCHER) -> None:
    """Shows that a question is over, and queues its task again at its old place if it waits for that."""
    await transaction.rows("raise_question", question_id=question.id, now=now)
    await transaction.rows("raise_card", task_id=question.task_id, now=now)
    task = await known(transaction, question.task_id)
    if task.state in _AT_REST:
        await _raise(transaction, task, question, now)
    if task.state is State.WAITING:
        await change(transaction, task, State.QUEUED, now, actor=actor)
    elif actor != DISPATCHER:
        await remember(transaction, task.id, Move.ANSWER, now, actor)


async def resumption(transaction: Transaction, task: Task) -> Resumed | None:
    """What the task's next session goes on from, if there is anything. Its answer counts as told."""
    row = await transaction.row("to_resume", task_id=task.id)
    if row is None:
        return None
    await transaction.rows("tell_session", question_id=row["id"])
    told = ruling(rows.question(row), task.requester)
    return Resumed(bytes(row["conversation"]), told.words, told.allows)


async def _asked_by(transaction: Transaction, task: Task) -> Question | None:
    """The question that the running attempt cannot go on without: its open one, or the one that raises."""
    asked = [rows.question(row) for row in await transaction.rows("questions", task_id=task.id)]
    own = [question for question in asked if question.attempt == task.attempt]
    return max(
        own, key=lambda question: (question.ending is None, question.raises, question.id), default=None
    )


async def _raise(transaction: Transaction, task: Task, question: Question, now: datetime) -> None:
    if not question.raises or question.route is None:
        return
    tier, cap = question.route.tier.value, task.asked_cap_micro_usd
    await send_another_way(transaction, task.id, tier, cap, question.route, now)
    await take_turn(transaction, task.id)
