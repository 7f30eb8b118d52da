"""The watch: looks at everything from outside the queue and tells operators directly what is wrong."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.crier import Standing, Teller
from bot.ports import ChatError, Refused
from bot.readings import ANSWERS_WITHIN, Instruments
from bot.views.alert import acknowledged, acknowledged_before, no_alarm, worded
from bot.voice import Voice
from dispatch.alarms import Alarm
from dispatch.errors import StoreError
from dispatch.ports import Alarms, Clock, OpenAlarm
from dispatch.watch import Bounds, Reading, Seen, look, tells

LOOK: Final = 15.0
"""Seconds between two looks."""

_STALE: Final = timedelta(minutes=2)
_log = logging.getLogger(__name__)


class Watch:
    """Tells each alarm once, repeats it until it is acknowledged or over, and says when it is over.

    It goes on from memory while the database refuses, and from the database after a restart. Where Slack is
    there, `voice` finds out whether it takes our token.
    """

    def __init__(
        self,
        instruments: Instruments,
        alarms: Alarms,
        teller: Teller,
        voice: Voice | None,
        clock: Clock,
        bounds: Bounds,
    ) -> None:
        self._instruments = instruments
        self._alarms = alarms
        self._teller = teller
        self._voice = voice
        self._clock = clock
        self._bounds = bounds
        self._seen = Seen()
        self._standing: dict[str, Standing] = {}
        self._unkept: set[str] = set()
        self._loaded = False
        self._sound_at: datetime | None = None

    @property
    def sound(self) -> bool:
        """Whether it has looked just now, and found the database at work and Slack willing to take alarms."""
        fresh = self._sound_at is not None and self._clock.now() - self._sound_at <= _STALE
        return fresh and not self._speechless

    @property
    def _speechless(self) -> bool:
        return self._voice is not None and self._voice.lost

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
        if self._voice is not None:
            await self._voice.check()
        for standing in [] if self._speechless else list(self._standing.values()):
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
            return acknowledged_before(await self._teller.name(by))
        self._change(standing, acknowledged_by=person)
        await self._keep()
        await self._teller.show(standing)
        return acknowledged()

    def _note(self, alarms: tuple[Alarm, ...], reading: Reading) -> None:
        for alarm in alarms:
            standing = self._standing.get(alarm.key)
            if standing is None:
                standing = self._standing[alarm.key] = Standing(OpenAlarm(alarm.key, alarm.since))
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

    async def _tell(self, standing: Standing) -> None:
        before = standing.kept
        try:
            await self._teller.tell(standing)
        finally:
            if standing.kept is not before:
                self._unkept.add(standing.kept.key)
            if standing.told:
                self._forget(standing)

    def _change(self, standing: Standing, **changes: object) -> None:
        standing.change(**changes)
        self._unkept.add(standing.kept.key)

    def _forget(self, standing: Standing) -> None:
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
                self._standing.setdefault(kept.key, Standing(kept, in_doubt=True))

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
