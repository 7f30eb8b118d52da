"""What was heard from Slack of late: the proof that requests arrive."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dispatch.ports import Clock

_REMEMBERED: Final = 100


class Ear:
    """Told of every request, our own messages included, before anything is done with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: deque[str] = deque(maxlen=_REMEMBERED)
        self.heard_at: datetime | None = None
        """When Slack last sent anything for the app."""

    @property
    def messages(self) -> Sequence[str]:
        """The ts of the last messages that Slack told of, oldest first."""
        return tuple(self._messages)

    def hear(self, payload: Mapping[str, Any]) -> None:
        """Notes a request."""
        self.heard_at = self._clock.now()
        event = payload.get("event")
        if isinstance(event, Mapping) and event.get("type") == "message" and isinstance(event.get("ts"), str):
            self._messages.append(event["ts"])
