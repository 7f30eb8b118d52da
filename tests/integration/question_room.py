"""A task of ana's that waits for an answer, in a front room."""

from datetime import timedelta
from typing import Any

from bot.rehearsal.slack.state import Message as Posted
from dispatch.policy import Settlement
from dispatch.questions import NewQuestion, Question, QuestionKind
from dispatch.states import State
from dispatch.task import Outcome, Verdict
from tests.integration.front_room import Front
from tests.integration.post_room import settle_down

WHICH = NewQuestion(QuestionKind.QUESTION, "Which queue first?", options=("payments", "refunds"))
RESTART = NewQuestion(QuestionKind.APPROVAL, "kubectl rollout restart", "it hangs")
HOURS = timedelta(hours=4)


async def ask(front: Front, new: NewQuestion = WHICH, **more: Any) -> Posted:
    """The message of a question that a task of ana's waits for."""
    claim = await front.room.claim(await front.room.ask(**more))
    now = front.room.clock.now()
    await front.store.questions.ask(claim, new, now + HOURS, now)
    outcome = Outcome(Verdict.ASKED, conversation=b"so far")
    await front.store.queue.settle(claim, outcome, Settlement(State.WAITING), now)
    await settle_down(front.room)
    return front.room.posts()[-1]


async def question(front: Front, number: int = 1) -> Question:
    return await front.store.queue.question(number)
