"""What sessions ask people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from dispatch.policy import Ration
from dispatch.questions import NewQuestion, Question
from dispatch.task import Claim


class Questions(Protocol):
    """Questions and their answers."""

    async def ask(self, claim: Claim, new: NewQuestion, deadline: datetime, now: datetime) -> Question:
        """Stores a question, with its delivery due. The one that was asked before, where it is the same.

        An open question of an earlier attempt is stale then. Raises LeaseLost, and MoveRefused where this
        attempt has another one open or the task has asked as often as it may.
        """
        ...

    async def take(self, question_id: int) -> Question:
        """The question as it is now; where it is over its answer counts as told to a session."""
        ...

    async def answer(
        self,
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
        ...

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        ...

    async def end_overdue(self, now: datetime) -> Sequence[Question]:
        """Ends the questions whose time is over and queues again the tasks that wait for them. Which."""
        ...
