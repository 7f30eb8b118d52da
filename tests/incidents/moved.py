"""The parts of the bot that time moves, as a test moves it."""

import asyncio
from datetime import datetime, timedelta

from bot.building import Building
from dispatch.schedule import Schedule
from tests.fakes.clock import FakeClock


class HouseClock(FakeClock):
    """Knows what waits for a later time and until when, by the names of asyncio's tasks."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.asleep: dict[str, datetime] = {}

    async def sleep(self, seconds: float) -> None:
        task = asyncio.current_task()
        name = task.get_name() if task else ""
        self.asleep[name] = self.now() + timedelta(seconds=seconds)
        try:
            await super().sleep(seconds)
        finally:
            del self.asleep[name]


class MovedBuilding(Building):
    """Its ticks come from whoever moves the clock."""

    def schedule(self) -> Schedule:
        return Schedule([])
