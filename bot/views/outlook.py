"""Where a task that waits stands, when it starts and what it usually comes to, in words. Pure."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from bot.money import dollars
from bot.slacktext import inline
from bot.views.message import is_person, line
from bot.words import counted, ordinal
from dispatch.forecast import Outlook, Place, Range, Seats, Today, Usual
from dispatch.task import Task, Tier

_NAME_LIMIT: Final = 80
_FAR: Final = timedelta(hours=2)


def expected(outlook: Outlook, pauser: str = "") -> str:
    """`2nd in line of 7 · starts in ~6 min · usually $0.80-1.50, 6-11 min`: the same words everywhere.

    `pauser` is who paused the queue, where that is told.
    """
    where = place(outlook.place) if outlook.place else ""
    when = starts(outlook.starts_in)
    if outlook.paused is not None:
        when = f"paused by {pauser}" if pauser else "paused"
    return line([where, when, usually(outlook.usual)])


def place(where: Place) -> str:
    """Where it stands in the line of its tier."""
    of = f" of {where.queued:,}" if where.queued > 1 else ""
    return f"next in line{of}" if where.ahead == 0 else f"{ordinal(where.ahead + 1)} in line{of}"


def starts(time: timedelta | None) -> str:
    """When it starts, as far as that can be said: never to the second, and never as a promise."""
    if time is None:
        return ""
    seconds = int(time.total_seconds())
    if seconds < 60:
        return "starts soon"
    if time > _FAR:
        return "starts in more than 2 h"
    minutes = -(-seconds // 60)
    if minutes > 10:
        minutes = -(-minutes // 5) * 5
    if minutes < 60:
        return f"starts in ~{minutes} min"
    hours, rest = divmod(minutes // 15 * 15, 60)
    return f"starts in ~{hours} h {rest} min" if rest else f"starts in ~{hours} h"


def usually(usual: Usual) -> str:
    """What such tasks cost and take, or that too few are known."""
    if usual.seconds is None:
        known = f"{usual.samples} so far" if usual.samples else "none so far"
        return f"usual price and time: too few to say, {known}"
    took = _span(usual.seconds)
    if usual.micro_usd is None:
        known = f"{usual.priced} so far" if usual.priced else "none so far"
        return f"usually {took}; price: too few to say, {known}"
    if usual.micro_usd.high == 0:
        return f"usually {took}"
    return f"usually {_money(usual.micro_usd)}, {took}"


def taken(seats: Seats | None, tier: Tier) -> str:
    """Why it has to wait for a seat, where that is so."""
    if seats is None or not seats.full:
        return ""
    name = tier.capitalize()
    if seats.taken < seats.seats:
        kept = seats.seats - seats.usable
        return f"{seats.taken} of {seats.seats} {name} seats busy, {kept} kept for p1 and p2"
    return (
        f"all {counted(seats.seats, f'{name} seat')} busy" if seats.seats > 1 else f"the {name} seat is busy"
    )


def left(today: Today | None) -> str:
    """What is left of the day's money for everybody: `$31 of today's $50 left`."""
    if today is None:
        return ""
    return f"{_short(today.left_micro_usd)} of today's {_short(today.limit_micro_usd)} left"


def moved(task: Task, outlook: Outlook, name: Callable[[str], str]) -> str:
    """Who gave it another priority: `raised from p7 by @ana`, shown and never mentioned."""
    first = outlook.steers.first_priority
    if first is None or first == task.priority:
        return ""
    way = "raised" if task.priority < first else "lowered"
    return f"{way} from p{first} by {person(outlook.steers.mover, name)}"


def person(actor: str, name: Callable[[str], str]) -> str:
    """A person's name with an @ that pings nobody; a user of the command line by what they are called."""
    if not is_person(actor):
        return inline(actor.removeprefix("cli:"), _NAME_LIMIT) or "somebody"
    shown = inline(name(actor), _NAME_LIMIT - 1)
    return inline(f"@{shown}", _NAME_LIMIT) if shown else "somebody"


def _short(micro_usd: int) -> str:
    return dollars(micro_usd).removesuffix(".00")


def _money(cost: Range) -> str:
    low, high = dollars(cost.low), dollars(cost.high)
    return low if low == high else f"{low}-{high.removeprefix('$')}"


def _span(took: Range) -> str:
    if took.high < 60:
        low, high, unit = max(took.low, 1), max(took.high, 1), "s"
    elif took.low < 60:
        return f"{max(took.low, 1)} s-{_minutes(took.high)} min"
    else:
        low, high, unit = _minutes(took.low), _minutes(took.high), "min"
    return f"{low} {unit}" if low == high else f"{low}-{high} {unit}"


def _minutes(seconds: int) -> int:
    return max((seconds + 30) // 60, 1)
