"""What a digest points at: unusual days, routing to regret, waits, and the month ahead. Pure."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median, median_low

from dispatch.booking import Booking
from dispatch.faults import RUNTIME_FAULTS, FaultKind
from dispatch.routing import PRIORITIES, Table, tier_of
from dispatch.states import State
from dispatch.task import Task, Tier, Verdict
from dispatch.usage import MICRO_USD, Price, Unpriced, Usage

USUAL_DAYS = 14
"""How many days before it a day is compared with."""

LEAST_DAYS = 5
"""On how many of them something must have been spent before there is a usual."""

PACE_DAYS = 7
"""How many days the pace of a month is taken from, at most."""

QUICK = timedelta(minutes=1)
QUICK_OUTPUT_TOKENS = 2_000
"""A task that took less time and wrote less than this would have done on a cheaper tier."""

_SPREADS = 5
_LEAST_EXCESS = MICRO_USD
_LEAST_ROUTED = 10
_OVERRIDES_PERCENT = 10

Rates = Callable[[str, Usage, datetime], Price | Unpriced]
"""The price of one request to a model at that time."""


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How one attempt went. Open while `ended_at` is None."""

    task_id: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict | None
    fault: FaultKind | None


@dataclass(frozen=True, slots=True)
class FirstStart:
    """A task that ran for the first time, and how long it had waited for that."""

    task_id: int
    priority: int
    channel: str
    waited: timedelta


@dataclass(frozen=True, slots=True)
class Thumb:
    """What a person thinks of a task's answer."""

    task_id: int
    channel: str
    liked: bool


@dataclass(frozen=True, slots=True)
class Outlier:
    """A day on which a scope of budgets cost far more than usual.

    The scope is `all`, `tier:opus`, `person:U1` or `channel:C1`. `usual_micro_usd` is the median of the
    days before on which it spent anything.
    """

    day: date
    scope: str
    micro_usd: int
    usual_micro_usd: int


@dataclass(frozen=True, slots=True)
class Regrets:
    """Where routing may have been wrong, with the tasks, each named once in a field.

    `quick` ended on Opus in little time and with few tokens: they cost `quick_micro_usd`, and would have
    cost `cheaper_micro_usd` on Sonnet, whose most urgent priority is `try_priority`. `again` failed on Haiku
    and had to run again. `overridden` of the `routed` tasks that ended ran in another tier than that of
    their priority because it was asked for.
    """

    quick: tuple[int, ...] = ()
    quick_micro_usd: int = 0
    cheaper_micro_usd: int = 0
    try_priority: int = PRIORITIES[-1]
    again: tuple[int, ...] = ()
    overridden: tuple[int, ...] = ()
    routed: int = 0

    @property
    def overrides_percent(self) -> int:
        """The share of overridden tasks, rounded."""
        return round(100 * len(self.overridden) / self.routed) if self.routed else 0

    @property
    def has_many_overrides(self) -> bool:
        """Whether so many are overridden that the priorities themselves may be off."""
        return self.routed >= _LEAST_ROUTED and self.overrides_percent >= _OVERRIDES_PERCENT


@dataclass(frozen=True, slots=True)
class Wait:
    """How long the tasks of a priority waited for their first start; `slowest` waited `longest`."""

    priority: int
    tasks: int
    median: timedelta
    longest: timedelta
    slowest: int


@dataclass(frozen=True, slots=True)
class Pace:
    """What a month comes to: what it has cost, and for each day left the mean of the last `mean_days`.

    `budget_micro_usd` is a day's, None where there is none.
    """

    last: date
    spent_micro_usd: int
    daily_micro_usd: int
    mean_days: int
    budget_micro_usd: int | None

    @property
    def days(self) -> int:
        """The days of the month."""
        return monthrange(self.last.year, self.last.month)[1]

    @property
    def month_micro_usd(self) -> int:
        """What the whole month costs at this pace."""
        return self.spent_micro_usd + self.daily_micro_usd * (self.days - self.last.day)

    @property
    def month_budget_micro_usd(self) -> int | None:
        """What the budget of each of its days would allow."""
        return None if self.budget_micro_usd is None else self.budget_micro_usd * self.days


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a digest points at."""

    outliers: tuple[Outlier, ...] = ()
    regrets: Regrets = Regrets()
    waits: tuple[Wait, ...] = ()
    pace: Pace | None = None


def outliers(
    days: Mapping[date, Mapping[str, int]], before: Iterable[Mapping[str, int]]
) -> tuple[Outlier, ...]:
    """The days and scopes that cost far more than usual, the dearest first.

    Both map scopes to micro-dollars; `before` is the days that say what is usual. Far is five spreads
    (median distances from the median, each at least a tenth of it) above it, and a dollar at least.
    """
    usual: defaultdict[str, list[int]] = defaultdict(list)
    for earlier in before:
        for scope, micro_usd in earlier.items():
            if micro_usd:
                usual[scope].append(micro_usd)
    found = [
        Outlier(day, scope, micro_usd, median_low(usual[scope]))
        for day, spent in days.items()
        for scope, micro_usd in spent.items()
        if len(usual.get(scope, ())) >= LEAST_DAYS and _is_far(micro_usd, usual[scope])
    ]
    return tuple(sorted(found, key=lambda one: (-one.micro_usd, one.day, one.scope)))


def _is_far(micro_usd: int, usual: Sequence[int]) -> bool:
    middle = median_low(usual)
    spread = max(median_low([abs(one - middle) for one in usual]), middle // 10)
    return micro_usd - middle >= max(_SPREADS * spread, _LEAST_EXCESS)


def regrets(
    ended: Iterable[Task],
    bookings: Iterable[Booking],
    tasks: Mapping[int, Task],
    attempts: Iterable[AttemptEnd],
    table: Table,
    price: Rates,
) -> Regrets:
    """Where routing may have been wrong, among the tasks that ended and those that the bookings are of.

    A task is only called quick if all that it cost is among the bookings and has a price on Sonnet too.
    """
    over = {task.id: task for task in ended if task.script is None}
    booked: defaultdict[int, list[Booking]] = defaultdict(list)
    for booking in bookings:
        booked[booking.task_id].append(booking)
    runs: defaultdict[int, list[AttemptEnd]] = defaultdict(list)
    for attempt in attempts:
        runs[attempt.task_id].append(attempt)
    quick = {
        number: cheaper
        for number, task in over.items()
        if _was_quick(task, booked.get(number, ()), runs.get(number, ()))
        and (cheaper := _on(table[Tier.SONNET].model, booked.get(number, ()), price)) is not None
        and cheaper < task.cost_micro_usd
    }
    return Regrets(
        quick=tuple(sorted(quick)),
        quick_micro_usd=sum(over[number].cost_micro_usd for number in quick),
        cheaper_micro_usd=sum(quick.values()),
        try_priority=table[Tier.OPUS].last_priority + 1,
        again=tuple(sorted(n for n, mine in booked.items() if _ran_again(tasks[n], mine, runs.get(n, ())))),
        overridden=tuple(sorted(n for n, task in over.items() if _is_overridden(task, table))),
        routed=len(over),
    )


def _was_quick(task: Task, bookings: Sequence[Booking], attempts: Sequence[AttemptEnd]) -> bool:
    if task.state is not State.DONE or task.unpriced or not bookings:
        return False
    known = sum(one.price.micro_usd for one in bookings if isinstance(one.price, Price))
    took = sum((run.ended_at - run.started_at for run in attempts if run.ended_at), timedelta())
    return (
        known == task.cost_micro_usd
        and all(one.tier is Tier.OPUS for one in bookings)
        and took < QUICK
        and sum(one.usage.output_tokens for one in bookings) < QUICK_OUTPUT_TOKENS
    )


def _on(model: str, bookings: Iterable[Booking], price: Rates) -> int | None:
    """What the requests would have cost on another model, each priced by itself; None if one has no price."""
    total = 0
    for booking in bookings:
        match price(model, booking.usage, booking.at):
            case Price(micro_usd=micro_usd):
                total += micro_usd
            case _:
                return None
    return total


def _ran_again(task: Task, bookings: Iterable[Booking], attempts: Iterable[AttemptEnd]) -> bool:
    on_haiku = {booking.attempt for booking in bookings if booking.tier is Tier.HAIKU}
    return any(
        run.number in on_haiku
        and run.number < task.attempt
        and run.verdict is Verdict.FAILED
        and run.fault not in RUNTIME_FAULTS
        for run in attempts
    )


def _is_overridden(task: Task, table: Table) -> bool:
    return task.asked_model is not None and task.route.tier is not tier_of(task.priority, table)


def waits(starts: Iterable[FirstStart]) -> tuple[Wait, ...]:
    """How long each priority waited, the most urgent first."""
    by_priority: defaultdict[int, list[FirstStart]] = defaultdict(list)
    for start in starts:
        by_priority[start.priority].append(start)
    return tuple(_wait(priority, by_priority[priority]) for priority in sorted(by_priority))


def _wait(priority: int, starts: Sequence[FirstStart]) -> Wait:
    slowest = max(starts, key=lambda start: (start.waited, -start.task_id))
    middle = timedelta(seconds=median(start.waited.total_seconds() for start in starts))
    return Wait(priority, len(starts), middle, slowest.waited, slowest.task_id)


def pace(last: date, month: int, newest: Sequence[int], budget_micro_usd: int | None) -> Pace | None:
    """The month of `last` at the pace of the newest days; None where none of them cost anything.

    `month` is what it has cost up to `last`, `newest` what each of the days up to then cost, oldest first.
    Days before the first that cost anything do not count: nothing may have run then.
    """
    begun = next((place for place, micro_usd in enumerate(newest) if micro_usd), None)
    if begun is None:
        return None
    counted = newest[begun:][-PACE_DAYS:]
    return Pace(last, month, sum(counted) // len(counted), len(counted), budget_micro_usd)
