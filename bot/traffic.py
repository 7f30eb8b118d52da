"""When each delivery may go to Slack, so that Slack has nothing to refuse. Pure; time is an argument."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from bot.pace import Line, Pace
from dispatch.delivery import Delivery, DeliveryKind

POST_PACE: Final = (1, timedelta(seconds=1))
"""New messages in one channel: Slack takes about one a second."""

CARD_PACE: Final = timedelta(seconds=3)
"""Edits of one card that only show progress. The edit that shows a task's end never waits for this."""

EDIT_PACE: Final = (45, timedelta(minutes=1))
"""Edits in the whole workspace. Slack takes 50 a minute; clocks and the way there differ a little."""

PROGRESS_PACE: Final = (30, timedelta(minutes=1))
"""How many of those may only show progress: the rest is kept for ends."""


class Way(Enum):
    """How something goes to Slack. Each has limits of its own."""

    POST = "a new message or file, in one channel"
    EDIT = "an edit"
    WHISPER = "a message to one person only"
    LOOK = "the question whether something arrived"


class Traffic:
    """Who goes when, in one workspace."""

    def __init__(self) -> None:
        self._posts: dict[str, Line] = {}
        self._edits = Line(*EDIT_PACE)
        self._progress = Line(*PROGRESS_PACE)
        self._cards = Pace(CARD_PACE)
        self._closed: dict[Way, datetime] = {}

    def wait(self, delivery: Delivery, now: datetime) -> timedelta:
        """How long the delivery must wait. Zero is its turn, which counts as taken."""
        match way(delivery):
            case Way.EDIT:
                at = self._edit(delivery, now)
            case Way.POST:
                at = self._post(delivery, now)
            case other:
                at = self._opens(other, now)
        return max(at - now, timedelta(0))

    def before_others(self, channel: str, now: datetime) -> timedelta:
        """How long the next part of a long answer must wait. Its turn counts as taken then."""
        line = self._line(channel, now)
        at = line.first(now)
        line.go(channel, at)
        return at - now

    def posted(self, channel: str, now: datetime) -> None:
        """Something is posted there now."""
        self._line(channel, now).go(channel, now)

    def edited(self, key: str, now: datetime) -> None:
        """A message that is not a card is edited now."""
        self._edits.go(key, now)

    def close(self, way: Way, delivery: Delivery, now: datetime, wait: timedelta) -> None:
        """Slack takes nothing more that way for so long; the delivery it refused then goes first."""
        until = now + wait
        if way is Way.POST:
            self._line(delivery.channel, now).close(until, delivery.key)
        elif way is Way.EDIT:
            self._edits.close(until, delivery.key if delivery.weight == 0 else None)
        else:
            self._closed[way] = until

    def _post(self, delivery: Delivery, now: datetime) -> datetime:
        line = self._line(delivery.channel, now)
        if delivery.in_doubt and (opens := self._opens(Way.LOOK, now)) > now:
            line.leave(delivery.key)
            return opens
        at = line.turn(delivery.key, now)
        if at <= now:
            line.go(delivery.key, now)
        return at

    def _edit(self, delivery: Delivery, now: datetime) -> datetime:
        key = delivery.key
        if delivery.weight:
            at = self._progress_edit(key, now)
        else:
            self._progress.leave(key)
            at = self._edits.turn(key, now)
        if at <= now:
            self._edits.go(key, now)
            self._cards.note(key, now)
        return at

    def _progress_edit(self, key: str, now: datetime) -> datetime:
        at = max(now + self._cards.wait(key, now), self._edits.next(now))
        if at > now:
            self._progress.leave(key)
            return at
        at = self._progress.turn(key, now)
        if at <= now:
            self._progress.go(key, now)
        return at

    def _opens(self, way: Way, now: datetime) -> datetime:
        return max(now, self._closed.get(way, now))

    def _line(self, channel: str, now: datetime) -> Line:
        if channel not in self._posts:
            self._posts = {name: line for name, line in self._posts.items() if not line.idle(now)}
            self._posts[channel] = Line(*POST_PACE)
        return self._posts[channel]


def way(delivery: Delivery) -> Way:
    """How the delivery goes next."""
    if delivery.kind is DeliveryKind.WHISPER:
        return Way.WHISPER
    edited = delivery.kind in (DeliveryKind.CARD, DeliveryKind.QUESTION)
    if edited and delivery.message is not None:
        return Way.EDIT
    return Way.POST
