"""The digests that are told again and again: which, where, of which days. Pure; time is an argument."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.digest import Money, due, newest_due
from dispatch.states import State
from dispatch.task import Tier

_WEEK = timedelta(days=7)


class Edition(StrEnum):
    """Of everything each day or each week, or of one channel's own tasks each day."""

    DAILY = "daily"
    WEEKLY = "weekly"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Issue:
    """An edition in a channel, told at a time of day in a zone whose days it is of."""

    edition: Edition
    channel: str
    zone: ZoneInfo
    at: time

    def newest(self, now: datetime) -> date:
        """The newest day that should have been told by now. A week is told by its Sunday."""
        return self._closed_by(newest_due(now, self.zone, self.at))

    def begins_after(self, now: datetime) -> date:
        """The newest day that is over, told or not: one who starts now is told nothing of days before."""
        return self._closed_by(now.astimezone(self.zone).date() - timedelta(days=1))

    def due(self, last_told: date, now: datetime) -> tuple[date, date] | None:
        """The first and last day that one digest should cover now, or None when all has been told.

        After downtime that is all days missed, but of weeks only the newest.
        """
        if self.edition is not Edition.WEEKLY:
            return due(last_told, now, self.zone, self.at)
        sunday = self.newest(now)
        return (sunday - _WEEK + timedelta(days=1), sunday) if sunday > last_told else None

    def _closed_by(self, day: date) -> date:
        """The newest day up to that one with which something to tell is complete."""
        return day - timedelta(days=day.isoweekday() % 7) if self.edition is Edition.WEEKLY else day

    def delivery(self, first: date, last: date, again: str = "") -> NewDelivery:
        """The digest of those days. `again` tells one that may be repeated from those before it."""
        name = "digest" if self.edition is Edition.DAILY else f"digest:{self.edition}"
        days = {"first": first.isoformat(), "last": last.isoformat()}
        return NewDelivery(
            key=f"{name}:{self.channel}:{last}{again}",
            kind=DeliveryKind.DIGEST,
            channel=self.channel,
            body=json.dumps({**days, "edition": self.edition}),
        )


@dataclass(frozen=True, slots=True)
class Before:
    """What the days before came to, to hold a digest against: money by tier, and how its tasks ended."""

    spent: Mapping[Tier, Money]
    ended: Mapping[State, int]

    @property
    def total(self) -> Money:
        """Money of all tiers."""
        return sum(self.spent.values(), Money())


def before(first: date, last: date) -> tuple[date, date]:
    """The same days a week earlier."""
    return first - _WEEK, last - _WEEK
