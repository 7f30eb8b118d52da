"""How often something may happen. Pure; time is an argument."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

_PATIENCE: Final = timedelta(seconds=10)
"""How much later than promised somebody may come back to their place in a line."""


class Pace:
    """At most once within `gap`, for each key by itself."""

    def __init__(self, gap: timedelta) -> None:
        self._gap = gap
        self._noted: dict[str, datetime] = {}

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long until it may happen again; zero when it may now."""
        noted = self._noted.get(key)
        return timedelta(0) if noted is None else max(noted + self._gap - now, timedelta(0))

    def note(self, key: str, now: datetime) -> None:
        """It happens now."""
        self._noted = {key: at for key, at in self._noted.items() if at + self._gap > now}
        self._noted[key] = now


class Line:
    """At most `times` within `window` for all who stand in it: first come, first served.

    Whoever is told a later time keeps the place in line and asks again then. One who does not come back
    loses it.
    """

    def __init__(self, times: int, window: timedelta) -> None:
        self._times = times
        self._window = window
        self._gone: deque[datetime] = deque(maxlen=times)
        self._waiting: dict[str, datetime] = {}
        self._opens: datetime | None = None

    def turn(self, who: str, now: datetime) -> datetime:
        """When it is their turn; `now` when it is come. They stand in line from here on."""
        self._forget(who, now)
        at = self._at(self._place(who), now)
        self._waiting[who] = at
        return at

    def next(self, now: datetime) -> datetime:
        """When it would be the turn of somebody who comes now."""
        return self._at(len(self._waiting), now)

    def first(self, now: datetime) -> datetime:
        """When it would be the turn of somebody who goes before all others."""
        return self._at(0, now)

    def go(self, who: str, at: datetime) -> None:
        """They go then, in line or not, and leave it."""
        self._waiting.pop(who, None)
        self._gone.append(max(at, self._gone[-1]) if self._gone else at)

    def leave(self, who: str) -> None:
        """They want nothing any more."""
        self._waiting.pop(who, None)

    def close(self, until: datetime, first: str | None = None) -> None:
        """Nobody goes before that time; then one goes before all others."""
        self._opens = max(until, self._opens or until)
        if first is not None:
            self._waiting.pop(first, None)
            self._waiting = {first: self._opens, **self._waiting}

    def idle(self, now: datetime) -> bool:
        """Whether nothing of it need be remembered."""
        over = not self._gone or self._gone[-1] + self._window <= now
        return over and not self._waiting and (self._opens is None or self._opens <= now)

    def _forget(self, who: str, now: datetime) -> None:
        for waiting, promised in list(self._waiting.items()):
            if waiting == who or promised + _PATIENCE > now:
                return
            del self._waiting[waiting]

    def _place(self, who: str) -> int:
        if who not in self._waiting:
            return len(self._waiting)
        return next(place for place, waiting in enumerate(self._waiting) if waiting == who)

    def _at(self, place: int, now: datetime) -> datetime:
        rounds, place = divmod(place, self._times)
        free = self._times - len(self._gone)
        opens = max(now, self._opens or now)
        at = opens if place < free else max(opens, self._gone[place - free] + self._window)
        return at + rounds * self._window
