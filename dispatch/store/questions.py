"""`ports.Questions` on SQLite."""

import json
from collections.abc import Sequence
from datetime import datetime

from dispatch.delivery import DeliveryKind
from dispatch.errors import MoveRefused, NotFound
from dispatch.policy import Ration
from dispatch.questions import MOST, Ending, NewQuestion, Question, is_same, standing
from dispatch.store import rows
from dispatch.store.database import Database, Transaction, in_transaction
from dispatch.store.line import rationed, stay_within
from dispatch.store.moves import close_open_question, held_by, known, tell
from dispatch.store.pausing import go_on
from dispatch.task import Claim, Task, Tier

_BATCH = 200


class SqliteQuestions:
    """Questions and their answers."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @in_transaction
    async def ask(
        self, transaction: Transaction, claim: Claim, new: NewQuestion, deadline: datetime, now: datetime
    ) -> Question:
        """Stores a question, with its delivery due. The one that was asked before, where it is the same.

        An open question of an earlier attempt is stale then. Raises LeaseLost, and MoveRefused where this
        attempt has another one open or the task has asked as often as it may.
        """
        task = await held_by(transaction, claim)
        asked = [rows.question(row) for row in await transaction.rows("questions", task_id=task.id)]
        still_open = next((question for question in asked if question.ending is None), None)
        known = still_open if still_open and is_same(still_open, new) else standing(asked, new)
        if known is not None:
            (row,) = await transaction.rows("ask_again", question_id=known.id, attempt=task.attempt)
            return rows.question(row)
        if still_open is not None and still_open.attempt == task.attempt:
            raise MoveRefused("Not asked: another question is open. Ask this when that is answered.")
        if len(asked) >= MOST:
            raise MoveRefused(
                f"Not asked: a task may ask {MOST} questions and this one has. Decide yourself."
            )
        await close_open_question(transaction, task.id, now)
        return await self._store(transaction, task, new, deadline, now)

    async def _store(
        self, transaction: Transaction, task: Task, new: NewQuestion, deadline: datetime, now: datetime
    ) -> Question:
        (row,) = await transaction.rows(
            "ask",
            task_id=task.id,
            attempt=task.attempt,
            kind=new.kind,
            text=new.text,
            reason=new.reason,
            options=json.dumps(new.options),
            route=rows.route_text(new.route),
            deadline=deadline,
            ending=None if new.answer is None else Ending.ANSWERED,
            answer=new.answer,
            now=now,
        )
        if new.answer is None:
            number = str(row["id"])
            await tell(transaction, task, DeliveryKind.QUESTION, f"question:{number}", now, number)
            await transaction.rows("raise_card", task_id=task.id, now=now)
        return rows.question(row)

    @in_transaction
    async def take(self, transaction: Transaction, question_id: int) -> Question:
        """The question as it is now; where it is over its answer counts as told to a session."""
        question = await _known(transaction, question_id)
        await transaction.rows("tell_session", question_id=question_id)
        return question

    @in_transaction
    async def answer(
        self,
        transaction: Transaction,
        question_id: int,
        answer: str,
        person: str,
        key: str,
        now: datetime,
        ration: Ration | None = None,
    ) -> Question:
        """Stores the answer, and queues the task again that waits for it, at its old place.

        The same `key` again changes nothing. Requesters may raise a task within their ration of the day.
        Raises NotFound, and MoveRefused where the question is over.
        """
        question = await _known(transaction, question_id)
        if question.key == key:
            return question
        if question.ending is not None:
            raise MoveRefused(f"That question of #{question.task_id} is over: {_OVER[question.ending]}.")
        ended = await _end(transaction, question_id, Ending.ANSWERED, now, answer, person, key)
        await _count(transaction, ended, person, ration, now)
        await go_on(transaction, ended, now, person)
        return ended

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        row = await self.database.row("answered_with", key=key)
        row = row or await self.database.row("asked_in", channel=channel, thread=thread)
        return rows.question(row) if row else None

    @in_transaction
    async def end_overdue(self, transaction: Transaction, now: datetime) -> Sequence[Question]:
        """Ends the questions whose time is over and queues again the tasks that wait for them. Which."""
        overdue = await transaction.rows("overdue_questions", now=now, limit=_BATCH)
        ended = [await _end(transaction, row["id"], Ending.OVERDUE, now) for row in overdue]
        for question in ended:
            await go_on(transaction, question, now)
        return ended


_OVER = {
    Ending.ANSWERED: "it was answered already",
    Ending.OVERDUE: "nobody answered in time, so the task went on without",
    Ending.STALE: "the task needs no answer any more",
}


async def _count(
    transaction: Transaction, question: Question, person: str, ration: Ration | None, now: datetime
) -> None:
    """Counts a task as one on Opus that an answer sends there, also where it goes only later."""
    if not question.raises or question.route is None or question.route.tier is not Tier.OPUS:
        return
    task = await known(transaction, question.task_id)
    before = await rationed(transaction, task.id)
    await transaction.rows("ration_opus", task_id=task.id, now=now)
    await stay_within(transaction, task, before, person, ration)


async def _known(transaction: Transaction, question_id: int) -> Question:
    row = await transaction.row("question", question_id=question_id)
    if row is None:
        raise NotFound(f"There is no question {question_id}.")
    return rows.question(row)


async def _end(
    transaction: Transaction,
    question_id: int,
    ending: Ending,
    now: datetime,
    answer: str | None = None,
    person: str | None = None,
    key: str | None = None,
) -> Question:
    (row,) = await transaction.rows(
        "end_question",
        question_id=question_id,
        ending=ending,
        answer=answer,
        person=person,
        key=key,
        now=now,
    )
    return rows.question(row)
