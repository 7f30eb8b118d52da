"""A clock on which waiting takes no time."""

from datetime import datetime, timedelta

from tests.fakes.values import NOON


class LeapingClock:
    """`ports.Clock` that leaps to the end of every sleep. `slept` holds how long each was, in seconds."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        self._now += by
