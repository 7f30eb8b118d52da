"""What became of a simulated span: who waited how long, what was spent, and what must hold of any."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.budget import ALL, STEPS
from dispatch.delivery import DeliveryKind
from dispatch.digest import window
from dispatch.policy import AGEING, FRONT, URGENT
from dispatch.states import State
from dispatch.task import Attempt, Task, Verdict
from dispatch.usage import MICRO_USD, Price
from tests.benchmarks.scripted import OVERRUN
from tests.benchmarks.simulation import Simulation
from tests.benchmarks.workload import Arrival

_SHORT = "SELECT count(*) FROM history WHERE task_id = :task_id AND move = 'hold' AND detail LIKE 'budget %'"
_TOLD = "SELECT key FROM delivery WHERE kind = :kind ORDER BY id"
_UNTOLD = """
SELECT task.id FROM task WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE key = 'card:' || task.id)
OR 1 != (SELECT count(*) FROM delivery WHERE delivery.task_id = task.id AND kind IN ('answer', 'ended'))
"""
_SUMS = """
SELECT
    (SELECT sum(cost_micro_usd) FROM ledger), (SELECT sum(cost_micro_usd) FROM task),
    (SELECT count(*) FROM ledger WHERE booked_at IS NULL)
"""
_WARNED_WITHIN = timedelta(seconds=5)
_TENDED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Story:
    """One task from its arrival to its end. `short` counts how often a budget had no room for it."""

    arrival: Arrival
    task: Task
    attempts: Sequence[Attempt]
    short: int

    @property
    def waited(self) -> timedelta | None:
        """From its arrival to its first session that was not refused, None where it had none."""
        begun = [one.started_at for one in self.attempts if one.cost_micro_usd]
        return begun[0] - self.arrival.at if begun else None


async def stories(simulation: Simulation, coming: Iterable[Arrival]) -> list[Story]:
    """What became of each task that was taken."""
    told = []
    for arrival in coming:
        if number := simulation.numbers.get(arrival.key):
            (short,) = simulation.raw.execute(_SHORT, {"task_id": number}).fetchone()
            task, attempts = await simulation.dispatcher.show(number)
            told.append(Story(arrival, task, attempts, short))
    return told


async def check(simulation: Simulation, coming: Sequence[Arrival], told: Sequence[Story]) -> None:
    """Asserts what must hold: nothing lost or done twice, priority strict, no budget overshot, books true."""
    assert len(told) + len(simulation.refused) == len(coming), "each is stored, or its refusal was told"
    assert all(story.task.finished_at for story in told), "each has ended"
    assert simulation.raw.execute(_UNTOLD).fetchall() == [], "each has its card and one end told"
    for story in told:
        answers = sum(attempt.verdict is Verdict.ANSWERED for attempt in story.attempts)
        assert answers == (story.task.state is State.DONE), "an answer is paid for once"
        assert all(attempt.ended_at for attempt in story.attempts)
    _check_line(simulation, told)
    ledger, cards, left_open = simulation.raw.execute(_SUMS).fetchone()
    assert ledger == cards == sum(simulation.seats.paid.values()), "what was spent is what is booked"
    assert left_open == 0
    for day, bookings in (await _by_day(simulation, told)).items():
        _check_day(simulation, day, bookings)


def _check_line(simulation: Simulation, told: Sequence[Story]) -> None:
    """Who began had waited for nobody behind it, and had moved up with every hour in line."""
    queued = {story.task.id: story for story in told if not story.short}
    for start in simulation.seats.starts:
        assert start.overtaken == 0, "priority is strict"
        if story := queued.get(start.task_id):
            aged = (start.at - story.arrival.at - _TENDED_WITHIN) // AGEING
            assert start.rank <= max(story.task.priority - aged, FRONT), "nobody starves"


async def spent(simulation: Simulation, told: Sequence[Story]) -> dict[str, int]:
    """Micro-dollars by day."""
    days = await _by_day(simulation, told)
    return {day: sum(one.micro_usd for one in bookings) for day, bookings in days.items()}


def warnings(simulation: Simulation) -> list[str]:
    """The budget warnings that were told, oldest first: `all 2026-11-23 50 %`."""
    keys = [key for (key,) in simulation.raw.execute(_TOLD, {"kind": DeliveryKind.BUDGET})]
    return ["{} {} {} %".format(*key.removeprefix("budget:").rsplit(":", 2)) for key in keys]


async def _by_day(simulation: Simulation, told: Sequence[Story]) -> dict[str, list["_Booked"]]:
    day, found = min(story.arrival.at for story in told).date(), {}
    while day <= simulation.clock.now().date():
        bookings = await simulation.store.ledger.bookings(*window(day, day, simulation.terms.zone))
        found[day.isoformat()] = [
            _Booked(one.booked_at, one.price.micro_usd)
            for one in bookings
            if one.booked_at is not None and isinstance(one.price, Price)
        ]
        day += timedelta(days=1)
    return found


@dataclass(frozen=True, slots=True)
class _Booked:
    at: datetime
    micro_usd: int


def _check_day(simulation: Simulation, day: str, bookings: Sequence[_Booked]) -> None:
    budgets = simulation.terms.budgets
    if budgets.everybody is None:
        return
    limit, grace = budgets.everybody, simulation.seats.cut * OVERRUN
    assert sum(one.micro_usd for one in bookings) <= limit + grace, "the day's budget holds"
    for start in simulation.seats.starts:
        if start.at.date().isoformat() == day and start.priority > URGENT:
            before = sum(one.micro_usd for one in bookings if one.at < start.at)
            assert before < limit - budgets.urgent, "what is kept for p1 and p2 is theirs"
    so_far, reached = 0, set[int]()
    for one in bookings:
        so_far += one.micro_usd
        seen = (one.at + _WARNED_WITHIN).date() == one.at.date()
        reached |= {step for step in STEPS if seen and so_far * 100 >= limit * step}
    told = Counter(line for line in warnings(simulation) if line.startswith(f"{ALL} {day} "))
    assert told == Counter(f"{ALL} {day} {step} %" for step in reached), "each step is told once"


def table(told: Sequence[Story]) -> list[str]:
    """The fates by priority, a line each."""
    lines = [
        "  p   tasks  done failed parked expired  held by budget   waited p50       p90       max      cost"
    ]
    for priority in sorted({story.task.priority for story in told}):
        of = [story for story in told if story.task.priority == priority]
        states = Counter(story.task.state for story in of)
        lines.append(
            f"  p{priority:<3}{len(of):>5}{states[State.DONE]:>6}{states[State.FAILED]:>7}"
            f"{states[State.PARKED]:>7}{states[State.EXPIRED]:>8}{sum(story.short > 0 for story in of):>16}"
            f"{waits(of, 0.5):>13}{waits(of, 0.9):>10}{waits(of, 1):>10}"
            f"{dollars(sum(story.task.cost_micro_usd for story in of)):>10}"
        )
    return lines


def waits(told: Sequence[Story], quantile: float) -> str:
    """That quantile of how long they waited, in words."""
    found = sorted(story.waited for story in told if story.waited is not None)
    return spoken(found[min(int(quantile * len(found)), len(found) - 1)]) if found else "-"


def spoken(span: timedelta) -> str:
    """A span of time: `4 s`, `12 min`, `3 h 05`."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60:02}"


def dollars(micro_usd: int) -> str:
    """Money to the cent."""
    return f"${micro_usd / MICRO_USD:,.2f}"
