"""How operators are told of an alarm: in their channel, or by the log alone."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.ports import Chat, ChatError, NoAnswer, Refused
from bot.readings import ANSWERS_WITHIN
from bot.refusals import NO_BLOCKS, NO_THREAD
from bot.views.alert import alert, recovery, reminder, worded
from bot.views.message import Message
from dispatch.alarms import Alarm, StillPaused, concerned
from dispatch.errors import StoreError
from dispatch.ports import Clock, OpenAlarm, Tasks

REPEAT: Final = timedelta(minutes=15)
"""An alarm that nobody has acknowledged is said again after so long."""

DAILY: Final = timedelta(days=1)
"""That the queue is paused, which people know, is said again after so long."""

_log = logging.getLogger(__name__)


@dataclass
class Standing:
    """An alarm that has not been told to its end.

    `alarm` is how it looked last; None after a restart until it is seen again. `in_doubt` while what is
    to be posted next may have arrived already. `over_at` is when it was over, `told` whether that, too, has
    been told.
    """

    kept: OpenAlarm
    alarm: Alarm | None = None
    in_doubt: bool = False
    over_at: datetime | None = None
    told: bool = False

    def change(self, **changes: object) -> None:
        """Notes what is to be kept of it."""
        self.kept = replace(self.kept, **changes)  # type: ignore[arg-type]


class Teller(Protocol):
    """Tells operators."""

    async def tell(self, standing: Standing) -> None:
        """Says of an alarm what is due to be said now, and notes it. Raises ChatError."""
        ...

    async def show(self, standing: Standing) -> None:
        """Says how things stand where the alarm was told. Nothing is lost where that fails."""
        ...

    async def name(self, person: str) -> str:
        """What a person is called."""
        ...


class LogAlone:
    """`Teller` where operators have no channel, or Slack is not there.

    The end of an alarm that was told in a channel stays due until one is there again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def tell(self, standing: Standing) -> None:
        """Says again after a time that an alarm stands. That it is new, or over, the log has heard."""
        now, told_at = self._clock.now(), standing.kept.told_at
        if standing.over_at is not None:
            standing.told = standing.kept.message is None
        elif told_at is None:
            standing.change(told_at=now)
        elif standing.alarm and now - told_at >= _gap(standing.alarm):
            _log.error("alarm %s still stands: %s", standing.kept.key, worded(standing.alarm, now).head)
            standing.change(told_at=now)

    async def show(self, standing: Standing) -> None:
        """Nothing."""

    async def name(self, person: str) -> str:
        """Their id."""
        return person


class Crier:
    """`Teller` in a channel: posts an alarm once, repeats it in its thread, then says that it is over.

    One that was told in another channel, which may be gone, is told anew, or closed where it is over.
    """

    def __init__(self, chat: Chat, tasks: Tasks, clock: Clock, channel: str) -> None:
        self._chat = chat
        self._tasks = tasks
        self._clock = clock
        self._channel = channel

    async def tell(self, standing: Standing) -> None:
        """Posts what is due. Raises ChatError."""
        if standing.kept.channel not in (None, self._channel):
            standing.change(told_at=None, channel=None, message=None)
        if standing.kept.message is None:
            await self._announce(standing)
        if standing.over_at is not None:
            await self._recover(standing, standing.over_at)
        elif standing.alarm is not None and standing.kept.acknowledged_by is None:
            await self._remind(standing, standing.alarm)

    async def name(self, person: str) -> str:
        """As Slack has it, else their id."""
        try:
            return await self._chat.name(person) or person
        except ChatError:
            return person

    async def show(self, standing: Standing) -> None:
        """Edits the alarm's message to say how things stand. Nothing is lost where that fails."""
        kept = standing.kept
        if standing.alarm is None or kept.message is None or kept.channel is None:
            return
        try:
            said = await self._said(standing, standing.alarm)
            await self._chat.update(kept.channel, kept.message, said, key=_name(kept))
        except ChatError as error:
            _log.warning("alarm %s cannot be edited: %s", kept.key, error)

    async def _said(self, standing: Standing, alarm: Alarm) -> Message:
        person = standing.kept.acknowledged_by
        by = await self.name(person) if person else ""
        return alert(alarm, self._clock.now(), acknowledged_by=by, over_at=standing.over_at)

    async def _announce(self, standing: Standing) -> None:
        now, name = self._clock.now(), _name(standing.kept)
        message = await self._arrived(standing, self._channel, name)
        if message is None and standing.alarm is not None:
            said = await self._said(standing, standing.alarm)
            message = await self._post(standing, self._channel, said, thread=None, name=name)
        if message is not None:
            standing.change(told_at=now, channel=self._channel, message=message)

    async def _remind(self, standing: Standing, alarm: Alarm) -> None:
        kept, now = standing.kept, self._clock.now()
        if kept.told_at is None or now - kept.told_at < _gap(alarm):
            return
        name = f"{_name(kept)}:{int(kept.told_at.timestamp())}"
        if await self._arrived(standing, kept.channel or self._channel, name) is None:
            await self._reply(standing, reminder(alarm, kept.since, now), name)
        standing.change(told_at=now)

    async def _recover(self, standing: Standing, over_at: datetime) -> None:
        kept = standing.kept
        if kept.message is not None:
            name = f"{_name(kept)}:over"
            if await self._arrived(standing, kept.channel or self._channel, name) is None:
                await self._reply(standing, recovery(kept, over_at, await self._expired(kept, over_at)), name)
            await self.show(standing)
        standing.told = True

    async def _expired(self, kept: OpenAlarm, until: datetime) -> int | None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                found = await self._tasks.expired(kept.since, until)
        except (StoreError, TimeoutError) as error:
            _log.error("cannot count what expired: %s", error)
            return None
        return sum(tasks for tier, tasks in found.items() if tier in concerned(kept.key))

    async def _arrived(self, standing: Standing, channel: str, name: str) -> str | None:
        """The message of that name, where it may have arrived without our knowing."""
        if not standing.in_doubt:
            return None
        kept = standing.kept
        try:
            found = await self._chat.find(channel, name, thread=kept.message, since=kept.since)
        except Refused as refused:
            _log.warning("cannot look for %s: %s", name, refused)
            found = None
        standing.in_doubt = False
        return found

    async def _reply(self, standing: Standing, message: Message, name: str) -> None:
        channel = standing.kept.channel or self._channel
        try:
            await self._post(standing, channel, message, thread=standing.kept.message, name=name)
        except Refused as refused:
            if refused.code not in NO_THREAD:
                raise
            await self._post(standing, channel, message, thread=None, name=name)

    async def _post(
        self, standing: Standing, channel: str, message: Message, *, thread: str | None, name: str
    ) -> str:
        try:
            try:
                return await self._chat.post(channel, message, thread=thread, key=name)
            except Refused as refused:
                if refused.code not in NO_BLOCKS:
                    raise
                return await self._chat.post(channel, message.without_blocks(), thread=thread, key=name)
        except NoAnswer as error:
            standing.in_doubt = error.in_doubt
            raise


def _gap(alarm: Alarm) -> timedelta:
    return DAILY if isinstance(alarm, StillPaused) else REPEAT


def _name(kept: OpenAlarm) -> str:
    """What its message is found by: an alarm that comes again later is another one."""
    return f"alarm:{kept.key}:{int(kept.since.timestamp())}"
