"""Trigger ids: what an interaction gives the app so that it may open a view, once and for three seconds."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

TRIGGER_LIFE = timedelta(seconds=3)
_SHAPE = re.compile(r"\d+\.\d+\.[0-9a-f]+")


class BadTrigger(Exception):
    """Carries Slack's error name."""


@dataclass(slots=True)
class _Trigger:
    user: str
    expires: datetime
    spent: bool = False


class Triggers:
    """Every trigger id that was given out."""

    def __init__(self) -> None:
        self._given: dict[str, _Trigger] = {}

    def give(self, user: str, now: datetime) -> str:
        number = len(self._given) + 1
        name = f"{number}.{number}.{secrets.token_hex(16)}"
        self._given[name] = _Trigger(user, now + TRIGGER_LIFE)
        return name

    def spend(self, name: str, now: datetime) -> str:
        """Whose interaction it was. Raises `BadTrigger` the second time and after three seconds."""
        if not _SHAPE.fullmatch(name):
            raise BadTrigger("invalid_trigger_id")
        found = self._given.get(name)
        if found is None:
            raise BadTrigger("expired_trigger_id")
        if found.spent:
            raise BadTrigger("exchanged_trigger_id")
        if now > found.expires:
            raise BadTrigger("expired_trigger_id")
        found.spent = True
        return found.user
