"""How often something may happen. Pure; time is an argument."""

from collections import deque
from datetime import datetime, timedelta


class Pace:
    """At most `times` within `window`, for each key by itself."""

    def __init__(self, times: int, window: timedelta) -> None:
        self._times = times
        self._window = window
        self._noted: dict[str, deque[datetime]] = {}

    def wait(self, key: str, now: datetime) -> timedelta:
        """How long until it may happen again; zero when it may now."""
        noted = self._noted.get(key)
        if noted is None or len(noted) < self._times:
            return timedelta(0)
        return max(noted[0] + self._window - now, timedelta(0))

    def note(self, key: str, at: datetime) -> None:
        """It happens then."""
        self._forget(at)
        noted = self._noted.setdefault(key, deque(maxlen=self._times))
        noted.append(max(at, noted[-1]) if noted else at)

    def _forget(self, now: datetime) -> None:
        over = [key for key, noted in self._noted.items() if noted[-1] + self._window <= now]
        for key in over:
            del self._noted[key]
