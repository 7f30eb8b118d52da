"""A span of days -> what it cost and what it says. Pure; time is an argument.

A day's money is what was booked on that day, so that over all days nothing is missing or counted
twice; a day's tasks are those that ended on it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from dispatch.booking import Booking
from dispatch.findings import AttemptEnd, Findings, FirstStart, Outlier, Pace, Rates, Thumb, regrets, waits
from dispatch.routing import Table
from dispatch.states import TERMINAL, State
from dispatch.task import MODEL_TIERS, Task, Tier, Verdict
from dispatch.usage import Price

CHART_DAYS = 14
"""How many days the chart goes back, the newest included."""

DEAREST = 5
"""How many of the dearest tasks are named."""

BLAMED = (State.FAILED, State.PARKED, State.EXPIRED)
"""The ends that somebody should look at."""

_IN_VAIN = TERMINAL - {State.DONE}


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


class Waste(StrEnum):
    """Why an attempt brought no answer: it failed, was cancelled, or a later one ran in its place.

    One that is still under way may yet bring one.
    """

    FAILED = "failed"
    CANCELLED = "cancelled"
    AGAIN = "again"
    UNDER_WAY = "under way"


@dataclass(frozen=True, slots=True)
class WasteLine:
    """What attempts without an answer cost that ended in one way, and how many they were."""

    why: Waste
    attempts: int
    money: Money


@dataclass(frozen=True, slots=True)
class PartyLine:
    """One requester's or one channel's part: how many tasks spent money for it, and how much."""

    name: str
    tasks: int
    money: Money


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day of the chart: its money by tier."""

    day: date
    by_tier: Mapping[Tier, Money]


@dataclass(frozen=True, slots=True)
class Digest:
    """What one post says of the days `first` to `last`, both included.

    `ended` counts tasks by the state they ended in, without those that follow another: they have that one's
    answer. `blamed` names those of them that failed, were parked or expired. `open` is how many had not ended
    when it was made.
    `undelivered` is money of attempts that brought no answer, `undelivered_attempts` how many those were.
    `all_opus_micro_usd` is what the requests would have cost on Opus that have a price both there and where
    they ran, `compared_micro_usd` what those did cost, and `uncompared` how many are left out. `disputed`
    are the tasks of the sessions whose own runtime names another cost than the ledger, one entry for each
    session. `waste` says why there was no answer, `people` and `channels` whose money it was. `liked` is how
    many thumbs up were given in those days, `disliked` has the task of each thumb down.
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
    delivered: Money = Money()
    compared_micro_usd: int = 0
    uncompared: int = 0
    waste: tuple[WasteLine, ...] = ()
    people: tuple[PartyLine, ...] = ()
    channels: tuple[PartyLine, ...] = ()
    blamed: Mapping[State, tuple[int, ...]] = field(default_factory=dict)
    liked: int = 0
    disliked: tuple[int, ...] = ()
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a digest is counted from.

    `tasks` holds every task of the bookings by its number and `attempts` every attempt of theirs. `ended`
    are the tasks that ended in those days, `starts` those that ran for the first time, `open_count` those
    that have not ended now, `thumbs` what was thought of answers in those days. `disputed`, `outliers` and
    `pace` are as in the digest.
    """

    bookings: Sequence[Booking]
    tasks: Mapping[int, Task]
    attempts: Sequence[AttemptEnd]
    ended: Sequence[Task]
    starts: Sequence[FirstStart]
    open_count: int
    chart: Sequence[DayBar]
    thumbs: Sequence[Thumb] = ()
    disputed: Sequence[int] = ()
    outliers: tuple[Outlier, ...] = ()
    pace: Pace | None = None


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


def summarise(span: tuple[date, date], facts: Facts, table: Table, price: Rates) -> Digest:
    """Counts it all up. `price` prices each request as if another model of the `table` had served it."""
    ended = [task for task in facts.ended if task.follows is None]
    by_tier: defaultdict[Tier, Money] = defaultdict(Money)
    by_task: defaultdict[int, Money] = defaultdict(Money)
    by_attempt: defaultdict[tuple[int, int], Money] = defaultdict(Money)
    spenders: defaultdict[Tier, set[int]] = defaultdict(set)
    for booking in facts.bookings:
        money = money_of(booking)
        by_tier[booking.tier] += money
        by_task[booking.task_id] += money
        by_attempt[booking.task_id, booking.attempt] += money
        spenders[booking.tier].add(booking.task_id)
    total = sum(by_tier.values(), Money())
    wasted = _wasted(by_attempt, facts)
    dearest = sorted(by_task.items(), key=lambda item: (-item[1].micro_usd, item[0]))[:DEAREST]
    compared = _compared(facts.bookings, table[Tier.OPUS].model, price)
    people = {number: task.requester for number, task in facts.tasks.items()}
    channels = {number: task.channel for number, task in facts.tasks.items()}
    return Digest(
        first=span[0],
        last=span[1],
        total=total,
        tiers=(
            *(TierLine(tier, len(spenders[tier]), by_tier[tier]) for tier in MODEL_TIERS if tier in by_tier),
            *_scripts(ended),
        ),
        ended=counted_ends(facts.ended),
        open=facts.open_count,
        dearest=tuple((facts.tasks[task_id], money) for task_id, money in dearest),
        undelivered=sum((line.money for line in wasted), Money()),
        undelivered_attempts=sum(line.attempts for line in wasted),
        all_opus_micro_usd=sum(opus for _, opus in compared),
        chart=tuple(facts.chart),
        disputed=tuple(facts.disputed),
        delivered=sum((by_attempt[key] for key in by_attempt.keys() & _delivered(facts)), Money()),
        compared_micro_usd=sum(paid for paid, _ in compared),
        uncompared=len(facts.bookings) - len(compared),
        waste=wasted,
        people=_parties(by_task, people),
        channels=_parties(by_task, channels),
        blamed={state: tuple(task.id for task in ended if task.state is state) for state in BLAMED},
        liked=sum(thumb.liked for thumb in facts.thumbs),
        disliked=tuple(sorted(thumb.task_id for thumb in facts.thumbs if not thumb.liked)),
        findings=Findings(
            facts.outliers,
            regrets(ended, facts.bookings, facts.tasks, facts.attempts, table, price),
            waits(facts.starts),
            facts.pace,
        ),
    )


def counted_ends(ended: Iterable[Task]) -> Mapping[State, int]:
    """How tasks ended, without those that follow another."""
    return Counter(task.state for task in ended if task.follows is None)


def _delivered(facts: Facts) -> set[tuple[int, int]]:
    """The attempts that brought an answer, or a question whose task may yet bring one."""
    return {
        (one.task_id, one.number)
        for one in facts.attempts
        if one.verdict is Verdict.ANSWERED
        or (one.verdict is Verdict.ASKED and facts.tasks[one.task_id].state not in _IN_VAIN)
    }


def _wasted(by_attempt: Mapping[tuple[int, int], Money], facts: Facts) -> tuple[WasteLine, ...]:
    attempts = {(one.task_id, one.number): one for one in facts.attempts}
    lines: dict[Waste, WasteLine] = {}
    for key in by_attempt.keys() - _delivered(facts):
        why = _why(attempts[key], facts.tasks[key[0]])
        line = lines.get(why, WasteLine(why, 0, Money()))
        lines[why] = WasteLine(why, line.attempts + 1, line.money + by_attempt[key])
    return tuple(lines[why] for why in Waste if why in lines)


def _why(attempt: AttemptEnd, task: Task) -> Waste:
    if attempt.verdict is None:
        return Waste.UNDER_WAY
    if attempt.verdict is Verdict.ASKED:
        return Waste.CANCELLED if task.state is State.CANCELLED else Waste.FAILED
    if attempt.number < task.attempt:
        return Waste.AGAIN
    return Waste.CANCELLED if attempt.verdict is Verdict.CANCELLED else Waste.FAILED


def _parties(by_task: Mapping[int, Money], names: Mapping[int, str]) -> tuple[PartyLine, ...]:
    """Whose money it was, the dearest first."""
    lines: dict[str, PartyLine] = {}
    for number, money in by_task.items():
        name = names[number]
        line = lines.get(name, PartyLine(name, 0, Money()))
        lines[name] = PartyLine(name, line.tasks + 1, line.money + money)
    return tuple(sorted(lines.values(), key=lambda line: (-line.money.micro_usd, line.name)))


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


def _compared(bookings: Iterable[Booking], model: str, price: Rates) -> list[tuple[int, int]]:
    """What each request cost and what it would have cost on the model, of those of which both are known."""
    return [
        (booking.price.micro_usd, other.micro_usd)
        for booking in bookings
        if isinstance(booking.price, Price)
        and isinstance(other := price(model, booking.usage, booking.at), Price)
    ]
