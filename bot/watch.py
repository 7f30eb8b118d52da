"""The watch: looks at everything from outside the queue and tells operators directly what is wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.ports import Chat, ChatError, NoAnswer, Refused
from bot.readings import ANSWERS_WITHIN, Instruments
from bot.refusals import NO_BLOCKS, NO_THREAD
from bot.views.alert import acknowledged, acknowledged_before, alert, no_alarm, recovery, reminder, worded
from bot.views.message import Message
from bot.voice import Voice
from dispatch.alarms import Alarm, StillPaused, concerned
from dispatch.errors import StoreError
from dispatch.ports import Alarms, Clock, OpenAlarm, Tasks
from dispatch.watch import Bounds, Reading, Seen, look, tells

LOOK: Final = 15.0
"""Seconds between two looks."""

REPEAT: Final = timedelta(minutes=15)
"""An alarm that nobody has acknowledged is said again after so long."""

DAILY: Final = timedelta(days=1)
"""That the queue is paused, which people know, is said again after so long."""

_STALE: Final = timedelta(minutes=2)
_log = logging.getLogger(__name__)


@dataclass
class _Standing:
    """An alarm that has not been told to its end.

    `alarm` is how it looked last; None after a restart until it is seen again. `in_doubt` while what is
    to be posted next may have arrived already.
    """

    kept: OpenAlarm
    alarm: Alarm | None = None
    in_doubt: bool = False
    over_at: datetime | None = None


class Watch:
    """Tells each alarm once, repeats it until it is acknowledged or over, and says when it is over.

    It goes on from memory while the database refuses, and from the database after a restart. With no
    `channel` it writes to the log alone.
    """

    def __init__(
        self,
        instruments: Instruments,
        tasks: Tasks,
        alarms: Alarms,
        chat: Chat,
        clock: Clock,
        bounds: Bounds,
        channel: str,
    ) -> None:
        self._instruments = instruments
        self._tasks = tasks
        self._alarms = alarms
        self._chat = chat
        self._voice = Voice(chat, clock)
        self._clock = clock
        self._bounds = bounds
        self._channel = channel
        self._seen = Seen()
        self._standing: dict[str, _Standing] = {}
        self._unkept: set[str] = set()
        self._loaded = False
        self._sound_at: datetime | None = None

    @property
    def sound(self) -> bool:
        """Whether it has looked just now, and found the database at work and Slack willing to take alarms."""
        fresh = self._sound_at is not None and self._clock.now() - self._sound_at <= _STALE
        return fresh and not self._voice.lost

    async def run(self, connected: Callable[[], Awaitable[int]]) -> None:
        """Looks again and again until cancelled; `connected` counts the lines to Slack that are up."""
        while True:
            try:
                await self.look(await connected())
            except Exception:
                _log.exception("the watch could not look")
            await self._clock.sleep(LOOK)

    async def look(self, connected: int) -> None:
        """Takes one reading and tells what has to be told."""
        reading = await self._instruments.read(connected)
        if reading.store_error is None:
            self._sound_at = reading.now
        await self._load()
        alarms, self._seen = look(reading, self._seen, self._standing.keys(), self._bounds)
        self._note(alarms, reading)
        await self._keep()
        await self._voice.check()
        for standing in [] if self._voice.lost else list(self._standing.values()):
            try:
                await self._tell(standing)
            except Refused as error:
                _log.error("alarm %s cannot be told: %s", standing.kept.key, error)
            except ChatError as error:
                _log.error("alarms cannot be told now: %s", error)
                break
            except Exception:
                _log.exception("telling alarm %s broke", standing.kept.key)
        await self._keep()

    async def acknowledge(self, key: str, person: str) -> str:
        """Notes that a person has taken an alarm on; the words to answer them. Never raises."""
        await self._load()
        standing = self._standing.get(key)
        if standing is None or standing.over_at is not None:
            return no_alarm()
        if (by := standing.kept.acknowledged_by) is not None:
            return acknowledged_before(await self._name(by))
        self._change(standing, acknowledged_by=person)
        await self._keep()
        await self._show(standing)
        return acknowledged()

    def _note(self, alarms: tuple[Alarm, ...], reading: Reading) -> None:
        for alarm in alarms:
            standing = self._standing.get(alarm.key)
            if standing is None:
                standing = self._standing[alarm.key] = _Standing(OpenAlarm(alarm.key, alarm.since))
                self._unkept.add(alarm.key)
                said = worded(alarm, reading.now)
                _log.error("alarm %s: %s. Do: %s", alarm.key, said.head, said.do)
            standing.alarm, standing.over_at = replace(alarm, since=standing.kept.since), None
            if alarm.waiting > standing.kept.delayed:
                self._change(standing, delayed=alarm.waiting)
        stand = {alarm.key for alarm in alarms}
        for key, standing in self._standing.items():
            if key not in stand and standing.over_at is None and tells(reading, key):
                standing.over_at = reading.now
                _log.warning("alarm %s is over", key)

    async def _tell(self, standing: _Standing) -> None:
        if not self._channel:
            self._log_alone(standing)
            return
        if standing.kept.message is None:
            await self._announce(standing)
        if standing.over_at is not None:
            await self._recover(standing, standing.over_at)
        elif standing.alarm is not None and standing.kept.acknowledged_by is None:
            await self._remind(standing, standing.alarm)

    def _log_alone(self, standing: _Standing) -> None:
        now, told_at = self._clock.now(), standing.kept.told_at
        if standing.over_at is not None:
            self._forget(standing)
        elif told_at is None:
            self._change(standing, told_at=now)
        elif standing.alarm and now - told_at >= _gap(standing.alarm):
            _log.error("alarm %s still stands: %s", standing.kept.key, worded(standing.alarm, now).head)
            self._change(standing, told_at=now)

    async def _announce(self, standing: _Standing) -> None:
        now, name = self._clock.now(), _name(standing.kept)
        message = await self._arrived(standing, self._channel, name)
        if message is None and standing.alarm is not None:
            said = alert(standing.alarm, now, over_at=standing.over_at)
            message = await self._post(standing, self._channel, said, thread=None, name=name)
        if message is not None:
            self._change(standing, told_at=now, channel=self._channel, message=message)

    async def _remind(self, standing: _Standing, alarm: Alarm) -> None:
        kept, now = standing.kept, self._clock.now()
        if kept.told_at is None or now - kept.told_at < _gap(alarm):
            return
        name = f"{_name(kept)}:{int(kept.told_at.timestamp())}"
        if await self._arrived(standing, kept.channel or self._channel, name) is None:
            await self._reply(standing, reminder(alarm, kept.since, now), name)
        self._change(standing, told_at=now)

    async def _recover(self, standing: _Standing, over_at: datetime) -> None:
        kept = standing.kept
        if kept.message is not None:
            name = f"{_name(kept)}:over"
            if await self._arrived(standing, kept.channel or self._channel, name) is None:
                await self._reply(standing, recovery(kept, over_at, await self._expired(kept, over_at)), name)
            await self._show(standing)
        self._forget(standing)

    async def _expired(self, kept: OpenAlarm, until: datetime) -> int | None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                found = await self._tasks.expired(kept.since, until)
        except (StoreError, TimeoutError) as error:
            _log.error("cannot count what expired: %s", error)
            return None
        return sum(tasks for tier, tasks in found.items() if tier in concerned(kept.key))

    async def _arrived(self, standing: _Standing, channel: str, name: str) -> str | None:
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

    async def _reply(self, standing: _Standing, message: Message, name: str) -> None:
        channel = standing.kept.channel or self._channel
        try:
            await self._post(standing, channel, message, thread=standing.kept.message, name=name)
        except Refused as refused:
            if refused.code not in NO_THREAD:
                raise
            await self._post(standing, channel, message, thread=None, name=name)

    async def _post(
        self, standing: _Standing, channel: str, message: Message, *, thread: str | None, name: str
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

    async def _show(self, standing: _Standing) -> None:
        """Edits the alarm's message to say how things stand. Nothing is lost where that fails."""
        kept = standing.kept
        if standing.alarm is None or kept.message is None or kept.channel is None:
            return
        by = await self._name(kept.acknowledged_by) if kept.acknowledged_by else ""
        said = alert(standing.alarm, self._clock.now(), acknowledged_by=by, over_at=standing.over_at)
        try:
            await self._chat.update(kept.channel, kept.message, said, key=_name(kept))
        except ChatError as error:
            _log.warning("alarm %s cannot be edited: %s", kept.key, error)

    async def _name(self, person: str) -> str:
        try:
            return await self._chat.name(person) or person
        except ChatError:
            return person

    def _change(self, standing: _Standing, **changes: object) -> None:
        standing.kept = replace(standing.kept, **changes)  # type: ignore[arg-type]
        self._unkept.add(standing.kept.key)

    def _forget(self, standing: _Standing) -> None:
        del self._standing[standing.kept.key]
        self._unkept.add(standing.kept.key)

    async def _load(self) -> None:
        """Takes over what the process before has told, as soon as the database lets it."""
        if self._loaded:
            return
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                found = await self._alarms.all()
        except (StoreError, TimeoutError) as error:
            _log.error("cannot read the alarms that stand: %r", error)
            return
        if not self._loaded:
            self._loaded = True
            for kept in found:
                self._standing.setdefault(kept.key, _Standing(kept, in_doubt=True))

    async def _keep(self) -> None:
        """Brings the database up to date; what it refuses is tried again at the next look."""
        for key in list(self._unkept):
            self._unkept.discard(key)
            standing = self._standing.get(key)
            try:
                async with asyncio.timeout(ANSWERS_WITHIN):
                    await (self._alarms.put(standing.kept) if standing else self._alarms.close(key))
            except (StoreError, TimeoutError) as error:
                self._unkept.add(key)
                _log.error("alarm %s cannot be kept: %r", key, error)
                return


def _gap(alarm: Alarm) -> timedelta:
    return DAILY if isinstance(alarm, StillPaused) else REPEAT


def _name(kept: OpenAlarm) -> str:
    """What its message is found by: an alarm that comes again later is another one."""
    return f"alarm:{kept.key}:{int(kept.since.timestamp())}"
