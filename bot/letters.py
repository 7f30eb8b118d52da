"""A delivery -> what to send for it, from the state stored now."""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot import struck
from bot.freshness import Shown, note
from bot.ports import Chat, ChatError
from bot.redact import redact
from bot.slacktext import neutralise
from bot.views import twice
from bot.views.answer import reply
from bot.views.card import card
from bot.views.message import Message, is_person
from bot.views.notices import budget_notice, expired_notice, notice, restart_notice
from bot.views.offers import on_answer, on_card
from bot.views.question import question_message
from bot.views.quiet import hushed
from bot.views.waits import Barrier, holding_back
from dispatch.delivery import Delivery, DeliveryKind
from dispatch.errors import NotFound
from dispatch.forecast import Outlook
from dispatch.forecaster import Forecaster
from dispatch.gates import names
from dispatch.ports import Gates, Queue
from dispatch.questions import Question
from dispatch.states import State
from dispatch.task import Attempt, Source, Task
from dispatch.terms import Terms

DigestView = Callable[[Delivery], Awaitable[Message]]
"""The message for a delivery of a digest."""


@dataclass(frozen=True, slots=True)
class Document:
    """A file to post."""

    name: str
    text: str


_WAITS = frozenset({State.QUEUED, State.HELD})
_REMEMBERED = 500
_UNSEEN = frozenset({Source.SLASH, Source.FORM, Source.SHORTCUT})

Letter = tuple[Message | Document, ...]
"""What one delivery sends, in this order. Never empty."""


class Letters:
    """Writes letters. `secrets` are struck out of everything a model said. Raises NotFound, StoreError.

    `shown` is what the card of each queued task says of its place.
    """

    def __init__(
        self,
        queue: Queue,
        gates: Gates,
        chat: Chat,
        digest: DigestView,
        terms: Terms,
        secrets: Iterable[str],
    ) -> None:
        self._queue = queue
        self._gates = gates
        self._chat = chat
        self._digest = digest
        self._terms = terms
        self._secrets = tuple(secrets)
        self._forecaster = Forecaster(queue, gates, terms)
        self.shown: Shown = {}
        self._links: dict[int, str] = {}

    async def of(self, delivery: Delivery, now: datetime) -> Letter:
        """The letter for a delivery."""
        match delivery.kind:
            case DeliveryKind.CARD:
                return (await self._card(delivery, now),)
            case DeliveryKind.ANSWER:
                return await self._answer(delivery)
            case DeliveryKind.QUESTION:
                return (await self._question(delivery),)
            case DeliveryKind.RESTART:
                task, attempt = self._shown(*await self._attempt(delivery))
                return (restart_notice(task, attempt, delivery.body),)
            case DeliveryKind.WHISPER | DeliveryKind.REPLY if delivery.task_id is not None:
                return (await self._asked_twice(await self._queue.task(delivery.task_id), now),)
            case DeliveryKind.WHISPER | DeliveryKind.REPLY:
                return (Message(neutralise(delivery.body)),)
            case DeliveryKind.NOTICE:
                return (notice(delivery.body),)
            case DeliveryKind.DIGEST:
                return (await self._digest(delivery),)
            case DeliveryKind.BUDGET:
                return (budget_notice(json.loads(delivery.body)),)
            case DeliveryKind.ENDED:
                return (expired_notice(await self._queue.task(_number(delivery))),)

    async def _card(self, delivery: Delivery, now: datetime) -> Message:
        task = await self._queue.task(_number(delivery))
        attempts = [self._struck(attempt) for attempt in await self._queue.attempts(task.id)]
        outlook = await self._forecaster.of(task, now) if task.state in _WAITS else None
        note(self.shown, task.id, outlook)
        told = struck.of_task(task, self._secrets)
        if self._terms.is_quiet(task.channel):
            told, attempts = hushed(told, attempts)
        barrier, offers = await self._barrier(task), on_card(task, self._terms.table)
        question = await self._open_question(task)
        asker, names = await self._asker(task), await self._movers(outlook)
        about = await self._about(task)
        return card(told, attempts, now, asker, barrier, offers, question, outlook, names, about)

    async def _about(self, task: Task) -> str:
        """The address of the message that a task is about, if it is about one and Slack gives it."""
        if task.source is not Source.SHORTCUT or task.message is None:
            return ""
        if task.id not in self._links:
            try:
                self._links[task.id] = await self._chat.permalink(task.channel, task.message)
            except ChatError:
                return ""
            if len(self._links) > _REMEMBERED:
                del self._links[next(iter(self._links))]
        return self._links[task.id]

    async def _movers(self, outlook: Outlook | None) -> Callable[[str], str]:
        """The names of the people who moved a task while it waited."""
        movers = {outlook.steers.mover, outlook.steers.holder} if outlook else set[str]()
        if outlook and outlook.paused:
            movers.add(outlook.paused.actor)
        names = {mover: await self._name(mover) for mover in movers if is_person(mover)}
        return lambda person: names.get(person, "")

    async def _open_question(self, task: Task) -> Question | None:
        if task.state not in (State.RUNNING, State.WAITING):
            return None
        asked = await self._queue.questions(task.id)
        return next((question for question in asked if question.ending is None), None)

    async def _question(self, delivery: Delivery) -> Message:
        task = await self._queue.task(_number(delivery))
        question = await self._queue.question(int(delivery.body))
        told = struck.of_question(question, self._secrets)
        return question_message(task, told, await self._name(question.person))

    async def _name(self, person: str | None) -> str:
        try:
            return await self._chat.name(person) if person else ""
        except ChatError:
            return ""

    async def _barrier(self, task: Task) -> Barrier | None:
        """What holds a queued task back, if anything does."""
        if not (found := holding_back(await self._gates.all(), task)):
            return None
        gate = replace(found[0], detail=redact(found[0].detail, self._secrets))
        lines = await self._queue.waiting()
        waiting = sum(line.tasks for line in lines if gate.name in names(line.tier))
        return Barrier(gate, waiting, told=bool(self._terms.operators_channel))

    async def _asker(self, task: Task) -> str:
        """Who asked, where no message of theirs shows it."""
        if task.source not in _UNSEEN or task.channel.startswith("D"):
            return ""
        return await self._name(task.requester)

    async def _asked_twice(self, task: Task, now: datetime) -> Message:
        """Whether it should follow the task that it looks like."""
        leader = task if task.alike is None else await self._queue.task(task.alike)
        leader = struck.of_task(leader, self._secrets)
        offers = on_card(task, self._terms.table)
        return twice.question(task, leader, await self._name(leader.requester), now, offers)

    async def _shared(self, delivery: Delivery) -> Letter:
        """What another task has come to, for one that follows it: its answer, without its cost."""
        task, leader = await self._queue.task(_number(delivery)), await self._queue.task(int(delivery.body))
        attempts = await self._queue.attempts(leader.id)
        if leader.state is not State.DONE or not attempts:
            told = [self._struck(attempt) for attempt in attempts]
            offers = on_card(task, self._terms.table)
            return (twice.without_answer(task, leader, told, offers),)
        asked = replace(leader, requester=task.requester, channel=task.channel)
        answer = reply(*self._shown(asked, attempts[-1]), receipt=twice.receipt(task, leader))
        return (*answer.messages, *(Document(file.name, file.text) for file in answer.files))

    async def _answer(self, delivery: Delivery) -> Letter:
        if delivery.attempt is None:
            return await self._shared(delivery)
        task, attempt = self._shown(*await self._attempt(delivery))
        told = reply(task, attempt, on_answer(task, attempt, self._terms.table))
        return (*told.messages, *(Document(file.name, file.text) for file in told.files))

    async def _attempt(self, delivery: Delivery) -> tuple[Task, Attempt]:
        """The attempt, and its task at what it had cost when that attempt ended: it may be told late."""
        task, spent, unpriced = await self._queue.task(_number(delivery)), 0, 0
        for attempt in await self._queue.attempts(task.id):
            spent, unpriced = spent + attempt.cost_micro_usd, unpriced + attempt.unpriced
            if attempt.number == delivery.attempt:
                return replace(task, cost_micro_usd=spent, unpriced=unpriced), attempt
        raise NotFound(f"#{task.id} has no attempt {delivery.attempt}.")

    def _shown(self, task: Task, attempt: Attempt) -> tuple[Task, Attempt]:
        """What the thread may see of an attempt."""
        task, told = struck.of_task(task, self._secrets), self._struck(attempt)
        if not self._terms.is_quiet(task.channel):
            return task, told
        task, (told,) = hushed(task, [told])
        return task, told

    def _struck(self, attempt: Attempt) -> Attempt:
        return struck.of_attempt(attempt, self._secrets)


def _number(delivery: Delivery) -> int:
    if delivery.task_id is None:
        raise NotFound(f"Delivery {delivery.key} belongs to no task.")
    return delivery.task_id
