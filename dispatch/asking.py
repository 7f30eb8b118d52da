"""What sessions ask people: waits for the answer as long as a session may be kept waiting, then pauses it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from dispatch.errors import MoveRefused
from dispatch.ports import Clock, Notifier, Pause, Questions, Tasks
from dispatch.questions import (
    Decision,
    NewQuestion,
    Question,
    QuestionKind,
    Ruling,
    accepts,
    deadline,
    ruling,
)
from dispatch.routing import raised
from dispatch.task import Claim, Route, Task
from dispatch.terms import Terms, Upgrades
from dispatch.usage import MICRO_USD

PATIENCE = timedelta(minutes=2)
"""How long a session waits on its seat; then it is paused and the seat is free."""

MARGIN = timedelta(seconds=15)
"""A session is paused so long before its wall clock would end it."""


class Asking:
    """Questions on their way to people, and the answers on their way to the sessions that wait here.

    `strike` takes out of a text what people are not shown.
    """

    def __init__(
        self,
        questions: Questions,
        tasks: Tasks,
        notifier: Notifier,
        clock: Clock,
        terms: Terms,
        strike: Callable[[str], str] = str,
    ) -> None:
        self._questions = questions
        self._tasks = tasks
        self._notifier = notifier
        self._clock = clock
        self._terms = terms
        self._strike = strike
        self._patient = True
        self._news: dict[int, asyncio.Event] = {}

    async def ask(self, claim: Claim, new: NewQuestion) -> Ruling:
        """Asks for a session, and returns what came of it. Raises Pause where that takes too long.

        Raises LeaseLost, MoveRefused, StoreError.
        """
        task = await self._tasks.task(claim.task.id)
        if new.kind is QuestionKind.UPGRADE:
            new = await self._upgrade(task, new)
        if new.answer is None and not task.channel:
            raise MoveRefused("Not asked: nobody waits for this task in a channel. Decide yourself.")
        if new.kind is QuestionKind.APPROVAL and self._strike(new.text) != new.text:
            raise MoveRefused(
                "Not asked: it holds what looks like a secret, or characters that nobody sees. People are "
                "not shown these, so they would not see all of it. Have a secret read from a file."
            )
        now = self._clock.now()
        until = deadline(now, self._terms.questions_last, task)
        question = await self._questions.ask(claim, new, until, now)
        self._notifier.wake()
        if question.ending is None:
            await self._wait(question, await self._patience(task))
        question = await self._questions.take(question.id)
        if question.ending is None or question.raises:
            raise Pause
        return ruling(question, task.requester)

    async def answer(self, question_id: int, answer: str, person: str, key: str) -> Question:
        """Stores a person's answer and wakes the session that waits for it.

        Raises NotFound, and MoveRefused where the question is over or that is no answer to it.
        """
        if not accepts(await self._tasks.question(question_id), answer):
            raise MoveRefused("That is no answer to this question.")
        now = self._clock.now()
        ration = self._terms.ration(now)
        question = await self._questions.answer(question_id, answer, person, key, now, ration)
        self._tell(question)
        return question

    async def asked_in(self, channel: str, thread: str, key: str) -> Question | None:
        """The question that was answered with that key, else the newest open one of the thread."""
        return await self._questions.asked_in(channel, thread, key)

    async def end_overdue(self) -> int:
        """Ends the questions that nobody answered in time. How many."""
        ended = await self._questions.end_overdue(self._clock.now())
        for question in ended:
            self._tell(question)
        return len(ended)

    def hurry(self) -> None:
        """Pauses every session that waits here, and every one that will: the process is to end."""
        self._patient = False
        for news in self._news.values():
            news.set()

    async def _upgrade(self, task: Task, new: NewQuestion) -> NewQuestion:
        if self._terms.upgrades is Upgrades.OFF:
            raise MoveRefused("Not raised: a session may not do that here. Go on as you are.")
        better = raised(task, new.text, self._terms.table)
        if better is None:
            raise MoveRefused(
                f"There is no better tier than {task.route.tier.capitalize()}. Go on as you are."
            )
        asked = await self._tasks.questions(task.id)
        if any(question.route and question.route.tier is task.route.tier for question in asked):
            raise MoveRefused("Not raised: this task has been raised once already. Go on as you are.")
        if task.cost_micro_usd >= better.cap_micro_usd:
            raise MoveRefused(
                f"Not raised: it may cost {_dollars(better.cap_micro_usd)} there and that is spent. Go on."
            )
        return _decided(new, better, self._terms.upgrades is Upgrades.ON and task.asked_model is None)

    async def _patience(self, task: Task) -> datetime:
        """Until when the running session may be kept waiting."""
        begun = (await self._tasks.attempts(task.id))[-1].started_at
        ends = begun + self._terms.table[task.route.tier].wall_clock - MARGIN
        return min(self._clock.now() + PATIENCE, ends)

    async def _wait(self, question: Question, until: datetime) -> None:
        news = self._news.setdefault(question.id, asyncio.Event())
        try:
            # The answer may have come before anybody listened for it.
            if not self._patient or (await self._tasks.question(question.id)).ending is not None:
                return
            seconds = (until - self._clock.now()).total_seconds()
            woken = asyncio.create_task(news.wait())
            slept = asyncio.create_task(self._clock.sleep(max(seconds, 0)))
            try:
                await asyncio.wait({woken, slept}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                woken.cancel()
                slept.cancel()
        finally:
            self._news.pop(question.id, None)

    def _tell(self, question: Question) -> None:
        if news := self._news.get(question.id):
            news.set()


def _decided(new: NewQuestion, better: Route, at_once: bool) -> NewQuestion:
    answer = Decision.RAISE if at_once else None
    return NewQuestion(new.kind, new.text, route=better, answer=answer)


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / MICRO_USD:,.2f}"
