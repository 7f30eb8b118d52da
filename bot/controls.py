"""Presses of buttons: read, done, answered in private. Plain payloads; no Bolt.

A press counts only while the button it was made on is still offered, with the same words: a card that
has moved on, or a second press, changes nothing. A question never changes; it takes one answer.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bot.ports import Alarms, Desk
from bot.slacktext import escape
from bot.views import presses, texts
from bot.views.message import is_person
from bot.views.offers import ANSWERS, Action, Offer, answer_of, on_answer, on_card
from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.errors import MoveRefused, NotFound, StoreError
from dispatch.ports import Clock, Notifier, Outbox
from dispatch.routing import Table
from dispatch.task import Task

_REMEMBERED: Final = 500
_TASK: Final = re.compile(r"[1-9][0-9]{0,17}")
_ALARM: Final = re.compile(r"[!-~]{1,200}")
_THUMB: Final = re.compile(r"[1-9][0-9]{0,17} (up|down)")
_QUEUE: Final = re.compile("queue")
_SHAPES: Final = {
    Action.ACKNOWLEDGE_ALARM: _ALARM,
    Action.FEEDBACK: _THUMB,
    Action.PAUSE: _QUEUE,
    Action.RESUME: _QUEUE,
}
"""What the value of a button looks like, where it is not the number of a task."""

_UNHURRIED: Final = frozenset({Action.ACKNOWLEDGE_ALARM, Action.FOLLOW_UP})
"""They wait for Slack and must not hold up the others; done twice they do no harm."""

_SHORT: Final = re.compile(r"[!-~]{1,100}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed which button, where. `value` is what we put into it, `label` the words on it.

    `trigger` is Slack's name for the press.
    """

    trigger: str
    person: str
    channel: str
    thread: str | None
    action: Action
    value: str
    label: str

    @property
    def key(self) -> str:
        """The same each time Slack delivers the press."""
        return f"press:{self.trigger}"


class Opening(Protocol):
    """Who opens the form for a follow-up."""

    async def open(self, task_id: int, person: str, trigger: str) -> str:
        """Opens it, and says nothing; else words on how it goes without. Raises NotFound, MoveRefused."""
        ...


class Controls:
    """What people press in Slack.

    `table` says which tiers there are. `alarms` is None where nobody keeps watch.
    `follow_ups` opens the form of that name.
    """

    def __init__(
        self,
        desk: Desk,
        outbox: Outbox,
        notifier: Notifier,
        alarms: Alarms | None,
        clock: Clock,
        table: Table,
        follow_ups: Opening,
    ) -> None:
        self._desk = desk
        self._outbox = outbox
        self._notifier = notifier
        self._alarms = alarms
        self._clock = clock
        self._table = table
        self._follow_ups = follow_ups
        self._pressing = asyncio.Lock()
        self._pressed: OrderedDict[str, str] = OrderedDict()

    async def press(self, payload: Mapping[str, Any]) -> str:
        """Takes a press. Never raises.

        Its private answer is stored in the outbox. What is returned could not be stored and is to be told
        at once; it is empty otherwise.
        """
        return await self._taken(_read(payload), self._take)

    async def press_at_home(self, payload: Mapping[str, Any]) -> str:
        """Takes a press of a button in a Home; its private answer, to be shown there. Never raises."""
        return await self._taken(_read_at_home(payload), self._do_once)

    async def _taken(self, press: Press | None, take: Callable[[Press], Awaitable[str]]) -> str:
        try:
            if press is None:
                _log.warning("a press that is none of ours")
                return presses.unreadable()
            if press.action in _UNHURRIED:
                return await take(press)
            async with self._pressing:
                return await take(press)
        except StoreError:
            _log.exception("a press could not be stored")
            return presses.not_stored()
        except Exception:
            _log.exception("a press broke")
            return presses.broken()

    async def _do_once(self, press: Press) -> str:
        """The answer to a press; the same again where it is delivered twice."""
        if press.key not in self._pressed:
            self._pressed[press.key] = await self._do(press)
            if len(self._pressed) > _REMEMBERED:
                self._pressed.popitem(last=False)
        return self._pressed[press.key]

    async def _take(self, press: Press) -> str:
        if press.key in self._pressed:
            return ""
        answer = await self._do_once(press)
        try:
            if answer:
                await self._tell(press, answer)
        except StoreError:
            _log.exception("the answer to a press could not be stored")
            return answer
        return ""

    async def _do(self, press: Press) -> str:
        try:
            if press.action is Action.ACKNOWLEDGE_ALARM:
                return await self._acknowledge(press)
            if press.action in ANSWERS:
                return await self._answer(press)
            if press.action is Action.FEEDBACK:
                return await self._note(press)
            if press.action is Action.PAUSE:
                return texts.paused(await self._desk.pause(press.person))
            if press.action is Action.RESUME:
                lifted = await self._desk.unpause(press.person)
                return texts.resumed(await self._desk.resume(press.person), lifted)
            task, attempts = await self._desk.show(int(press.value))
            offers = on_card(task, self._table)
            if attempts:
                offers += on_answer(task, attempts[-1], self._table)
            if Offer(press.action, press.label) not in offers:
                return presses.moved_on(task)
            return await self._move(press, task)
        except (NotFound, MoveRefused) as error:
            return escape(str(error))

    async def _answer(self, press: Press) -> str:
        question = await self._desk.question(int(press.value))
        task, _ = await self._desk.show(question.task_id)
        answer = answer_of(press.action, question)
        if answer is None:
            return presses.not_asked(task)
        return presses.answered(await self._desk.answer(question.id, answer, press.person, press.key))

    async def _move(self, press: Press, task: Task) -> str:
        match press.action:
            case Action.CHEAPER:
                return presses.goes_cheaper(await self._desk.cheaper(task.id, press.person))
            case Action.ANOTHER_CAP:
                return presses.goes_on(await self._desk.another_cap(task.id, press.person))
            case Action.BUMP | Action.LOWER:
                priority = task.priority + (-1 if press.action is Action.BUMP else 1)
                moved = await self._desk.reprioritise(task.id, priority, press.person, press.key)
                return presses.reprioritised(moved, task)
            case Action.HOLD:
                return presses.held(await self._desk.hold(task.id, press.person, press.key))
            case Action.FOLLOW_UP:
                return await self._follow_ups.open(task.id, press.person, press.trigger)
            case Action.FOLLOW:
                return presses.follows(await self._desk.follow(task.id, press.person, press.key))
            case Action.RELEASE:
                return presses.released(await self._desk.release(task.id, press.person, press.key))
            case Action.CANCEL | Action.STOP:
                return texts.cancelled(await self._desk.cancel(task.id, press.person))
            case Action.RETRY:
                return texts.queued_again(await self._desk.retry(task.id, press.person, press.key))
            case Action.TIER_UP:
                moved = await self._desk.tier_up(task.id, press.person, press.key)
                return presses.goes_up(moved, task)
            case _:
                return presses.waits(task)

    async def _note(self, press: Press) -> str:
        number, thumb = press.value.split()
        task = await self._desk.feedback(int(number), press.person, thumb == "up")
        return presses.noted(task, thumb == "up")

    async def _acknowledge(self, press: Press) -> str:
        if self._alarms is None:
            return presses.no_alarm()
        return await self._alarms.acknowledge(press.value, press.person)

    async def _tell(self, press: Press, text: str) -> None:
        direct = press.channel.startswith("D")
        answer = NewDelivery(
            key=f"told:{press.key}",
            kind=DeliveryKind.REPLY if direct else DeliveryKind.WHISPER,
            channel=press.channel,
            body=text,
            thread=press.thread,
            person=press.person,
        )
        await self._outbox.put(answer, self._clock.now())
        self._notifier.wake()


def _read(payload: Mapping[str, Any]) -> Press | None:
    """The press in a payload of Slack's, None where it is not exactly one of ours."""
    match payload:
        case {
            "trigger_id": str(trigger),
            "user": {"id": str(person)},
            "channel": {"id": str(channel)},
            "container": {"message_ts": str(ts)} as container,
            "actions": [{"action_id": str(name), "value": str(value)} as pressed],
        } if name in list(Action) and is_person(person) and channel.isalnum() and _SHORT.fullmatch(trigger):
            action, label = Action(name), _label(pressed)
            if label is None and action is not Action.FEEDBACK:
                return None
            if _SHAPES.get(action, _TASK).fullmatch(value) is None:
                return None
            thread = _thread(channel, ts, container.get("thread_ts"))
            return Press(trigger, person, channel, thread, action, value, label or "")
    return None


def _read_at_home(payload: Mapping[str, Any]) -> Press | None:
    """The press in a Home, None where it is not exactly one of ours. Its answer goes to no channel."""
    match payload:
        case {
            "trigger_id": str(trigger),
            "user": {"id": str(person)},
            "view": {"type": "home"},
            "actions": [{"action_id": str(name), "value": str(value), "text": {"text": str(label)}}],
        } if name in list(Action) and is_person(person) and _SHORT.fullmatch(trigger):
            if _SHAPES.get(Action(name), _TASK).fullmatch(value) is not None:
                return Press(trigger, person, "", None, Action(name), value, label)
    return None


def _label(pressed: Mapping[str, Any]) -> str | None:
    """The words on a button; a thumb may come without any."""
    match pressed.get("text"):
        case {"text": str(label)}:
            return label
    return None


def _thread(channel: str, ts: str, thread: object) -> str | None:
    """Where the answer is seen: in the button's own thread, but beside a card that begins one."""
    if isinstance(thread, str) and thread != ts:
        return thread
    return ts if channel.startswith("D") else None
