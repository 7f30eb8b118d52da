"""Keeps the cards of tasks that wait true: those are edited of which something has changed, nearest first."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.views.outlook import starts
from dispatch.forecast import Outlook, Today
from dispatch.forecaster import Forecaster, Spot
from dispatch.ports import Clock, Line, Notifier
from dispatch.task import Tier
from dispatch.terms import Terms

EVERY: Final = timedelta(seconds=10)
"""How often the line is looked at."""

AT_ONCE: Final = 2
"""So many cards are edited each time at most: 12 a minute of the 30 edits that may show progress."""

_HELD: Final = 1
"""So many of these are of tasks that a budget has no room for."""

_LOOKED_AT: Final = 200
_COARSE: Final = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """What a queued task's card says of its place."""

    ahead: int
    starts: str
    today: Today | None = None


Shown = MutableMapping[int, Seen]
"""What the card of each queued task says, by number, as it was last written."""


def note(shown: Shown, task_id: int, outlook: Outlook | None) -> None:
    """Notes what a card says that is being written; nothing where its task is in no line."""
    if outlook is None or outlook.place is None:
        shown.pop(task_id, None)
    else:
        shown[task_id] = Seen(outlook.place.ahead, starts(outlook.starts_in), outlook.today)


def is_stale(seen: Seen | None, spot: Spot, today: Today | None = None) -> bool:
    """Whether a card no longer says what is so. Far back in line, whether it is off by a twentieth.

    So it is with what is left `today` of everybody's money.
    """
    if seen is None or seen.starts != starts(spot.starts_in):
        return True
    return abs(seen.ahead - spot.ahead) > spot.ahead // _COARSE or _is_off(seen.today, today)


def _is_off(said: Today | None, today: Today | None) -> bool:
    if said is None or today is None or said.limit_micro_usd != today.limit_micro_usd:
        return said != today
    return abs(said.left_micro_usd - today.left_micro_usd) > today.limit_micro_usd // _COARSE


class Freshness:
    """Edits what the cards in line say, and which budget has no room. `shown` is what those in line say."""

    def __init__(
        self,
        line: Line,
        forecaster: Forecaster,
        shown: Shown,
        notifier: Notifier,
        clock: Clock,
        terms: Terms,
    ) -> None:
        self._line = line
        self._forecaster = forecaster
        self._shown = shown
        self._notifier = notifier
        self._clock = clock
        self._terms = terms

    async def refresh(self) -> None:
        """Makes the cards due that are stale, a few, those nearest to the front first. Raises StoreError."""
        now = self._clock.now()
        restated = await self._line.restate(self._terms.purse(now), _HELD, now)
        spots = [spot for tier in Tier for spot in await self._forecaster.front(tier, _LOOKED_AT, now)]
        today = await self._forecaster.today(now) if spots else None
        stale = [
            spot for spot in spots if spot.carded and is_stale(self._shown.get(spot.task_id), spot, today)
        ]
        nearest = sorted(stale, key=lambda spot: (spot.ahead, spot.task_id))[: AT_ONCE - restated]
        raised = await self._line.raise_cards([spot.task_id for spot in nearest], now) if nearest else 0
        if restated or raised:
            self._notifier.wake()
