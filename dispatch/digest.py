"""A span of days -> what it cost and what it says. Pure; time is an argument.

A day's money is what was booked on that day, so that over all days nothing is missing or counted
twice; a day's tasks are those that ended on it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.states import State
from dispatch.task import MODEL_TIERS, Booking, Task, Tier
from dispatch.usage import Price, Unpriced, Usage

CHART_DAYS = 14
"""How many days the chart goes back, the newest included."""

DEAREST = 5
"""How many of the dearest tasks are named."""


@dataclass(frozen=True, slots=True)
class Money:
    """A sum of known prices, and how many requests are in no sum because their price is unknown."""

    micro_usd: int = 0
    unpriced: int = 0

    def __add__(self, other: "Money") -> "Money":
        return Money(self.micro_usd + other.micro_usd, self.unpriced + other.unpriced)


@dataclass(frozen=True, slots=True)
class TierLine:
    """One tier's part: how many tasks spent money in it, and how much. Scripts cost none: they ended."""

    tier: Tier
    tasks: int
    money: Money


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of the chart: micro-dollars by tier."""

    day: date
    by_tier: Mapping[Tier, int]


@dataclass(frozen=True, slots=True)
class Digest:
    """What one post says of the days `first` to `last`, both included.

    `ended` counts tasks by the state they ended in; `open` those that had not ended when it was made.
    `undelivered` is money of attempts that brought no answer, `undelivered_attempts` how many those were.
    `all_opus_micro_usd` is what the priced requests would have cost on Opus. `disputed` are the tasks of
    the sessions whose own runtime names another cost than the ledger, one entry for each session.
    """

    first: date
    last: date
    total: Money
    tiers: tuple[TierLine, ...]
    ended: Mapping[State, int]
    open: int
    dearest: tuple[tuple[Task, Money], ...]
    undelivered: Money
    undelivered_attempts: int
    all_opus_micro_usd: int
    chart: tuple[DayBar, ...]
    disputed: tuple[int, ...] = ()


def window(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants from the start of `first` to the end of `last` in the zone, UTC, end excluded.

    Windows of neighbouring days touch, also where midnight does not exist.
    """
    return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def newest_due(now: datetime, zone: ZoneInfo, at: time) -> date:
    """The newest day whose digest should have been told by now: yesterday once it is `at`, local time."""
    local = now.astimezone(zone)
    return local.date() - timedelta(days=1 if local.time() >= at else 2)


def due(last_told: date, now: datetime, zone: ZoneInfo, at: time) -> tuple[date, date] | None:
    """The first and last day that one digest should cover now, or None when all has been told."""
    newest = newest_due(now, zone, at)
    return (last_told + timedelta(days=1), newest) if newest > last_told else None


def summarise(
    span: tuple[date, date],
    bookings: Sequence[Booking],
    ended: Iterable[Task],
    open_count: int,
    tasks: Mapping[int, Task],
    answered: Collection[tuple[int, int]],
    opus: Callable[[Usage], Price | Unpriced],
    chart: Iterable[DayBar],
    disputed: Iterable[int] = (),
) -> Digest:
    """Counts it all up.

    `tasks` holds every task of the bookings by its number, `answered` the (task, attempt) pairs that
    brought an answer, `opus` prices a usage as if Opus had run it, `disputed` is as in the digest.
    """
    by_tier: defaultdict[Tier, Money] = defaultdict(Money)
    by_task: defaultdict[int, Money] = defaultdict(Money)
    spenders: defaultdict[Tier, set[int]] = defaultdict(set)
    wasted: defaultdict[tuple[int, int], Money] = defaultdict(Money)
    over = list(ended)
    for booking in bookings:
        money = money_of(booking)
        by_tier[booking.tier] += money
        by_task[booking.task_id] += money
        spenders[booking.tier].add(booking.task_id)
        if (booking.task_id, booking.attempt) not in answered:
            wasted[booking.task_id, booking.attempt] += money
    dearest = sorted(by_task.items(), key=lambda item: (-item[1].micro_usd, item[0]))[:DEAREST]
    return Digest(
        first=span[0],
        last=span[1],
        total=sum(by_tier.values(), Money()),
        tiers=(
            *(TierLine(tier, len(spenders[tier]), by_tier[tier]) for tier in MODEL_TIERS if tier in by_tier),
            *_scripts(over),
        ),
        ended=Counter(task.state for task in over),
        open=open_count,
        dearest=tuple((tasks[task_id], money) for task_id, money in dearest),
        undelivered=sum(wasted.values(), Money()),
        undelivered_attempts=len(wasted),
        all_opus_micro_usd=_on_opus(bookings, opus),
        chart=tuple(chart),
        disputed=tuple(disputed),
    )


def _scripts(ended: Iterable[Task]) -> tuple[TierLine, ...]:
    count = sum(task.script is not None for task in ended)
    return (TierLine(Tier.SCRIPT, count, Money()),) if count else ()


def money_of(booking: Booking) -> Money:
    """What one booking adds to a sum."""
    match booking.price:
        case Price(micro_usd=micro_usd):
            return Money(micro_usd)
        case _:
            return Money(unpriced=1)


def _on_opus(bookings: Iterable[Booking], opus: Callable[[Usage], Price | Unpriced]) -> int:
    known = (booking for booking in bookings if isinstance(booking.price, Price))
    return sum(price.micro_usd for b in known if isinstance(price := opus(b.usage), Price))
