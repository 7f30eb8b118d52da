"""Slack's rate limits, off unless asked for: tiers per method, one message a second per channel."""

import math
from collections import defaultdict, deque
from datetime import datetime, timedelta

from bot.rehearsal.slack.state import Json
from bot.rehearsal.slack.webapi.method import Method

_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


class Rates:
    """Remembers when each method was called."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[datetime]] = defaultdict(deque)

    def refuse_for(self, name: str, method: Method, args: Json, now: datetime) -> int:
        """Whole seconds to wait, or 0 when the call may go through and is counted."""
        if name == "chat.postMessage":
            return self._wait(f"{name} {args.get('channel')}", 1, _SECOND, now)
        if method.tier in _PER_MINUTE:
            return self._wait(name, _PER_MINUTE[int(method.tier)], _MINUTE, now)
        return 0

    def _wait(self, key: str, most: int, window: timedelta, now: datetime) -> int:
        calls = self._calls[key]
        while calls and now - calls[0] >= window:
            calls.popleft()
        if len(calls) < most:
            calls.append(now)
            return 0
        return max(math.ceil((calls[0] + window - now).total_seconds()), 1)
