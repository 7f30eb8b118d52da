"""Today's money against each budget, as bars of text. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.money import dollars
from bot.views.message import clock_time, line
from dispatch.budget import ALL, Budgets, Standing
from dispatch.ports import Spending
from dispatch.task import MODEL_TIERS

_WIDTH: Final = 10


@dataclass(frozen=True, slots=True)
class Day:
    """What today has cost, by tier, and where its budgets stand.

    `unpriced` counts the requests that are in no sum, by channel and person as budgets name them.
    """

    spending: Sequence[Spending]
    standing: Standing
    budgets: Budgets
    unpriced: Mapping[str, int]


def money(day: Day, person: str, channel: str = "") -> str:
    """A line for the whole day, one for each tier that spent or has a budget, and those of that person.

    `channel` adds the budget of one, where it has any.
    """
    tiers = {one.tier: one for one in day.spending}
    total = sum(one.micro_usd for one in day.spending)
    unpriced = sum(one.unpriced for one in day.spending)
    lines = [_line("*Today*", total, unpriced, day.budgets.everybody, day.standing, ALL)]
    for tier in MODEL_TIERS:
        spent, limit = tiers.get(tier), day.budgets.tiers.get(tier)
        if spent is None and limit is None:
            continue
        known = (spent.micro_usd, spent.unpriced) if spent else (0, 0)
        lines.append(_line(tier.capitalize(), *known, limit, day.standing, f"tier:{tier}"))
    lines += _own(day, "You", f"person:{person}", day.budgets.people.get(person, day.budgets.person))
    if channel:
        limit = day.budgets.channels.get(channel, day.budgets.channel)
        lines += _own(day, "This channel", f"channel:{channel}", limit)
    resets = f"Budgets reset at {clock_time(day.standing.resets_at)}" if _has_any(day.budgets) else ""
    return "\n".join([*lines, *([resets] if resets else [])])


def _own(day: Day, name: str, scope: str, limit: int | None) -> list[str]:
    if limit is None:
        return []
    spent, unpriced = day.standing.spent.get(scope, 0), day.unpriced.get(scope, 0)
    return [_line(name, spent, unpriced, limit, day.standing, scope)]


def _line(name: str, spent: int, unpriced: int, limit: int | None, day: Standing, scope: str) -> str:
    reserved = day.reserved.get(scope, 0)
    held = f"{dollars(reserved)} reserved by running tasks" if reserved else ""
    if limit is None:
        return line([f"{name} {dollars(spent, unpriced)}", held])
    return line([f"{bar(spent, limit)} {name} {dollars(spent, unpriced)} of {dollars(limit)}", held])


def bar(spent_micro_usd: int, limit_micro_usd: int) -> str:
    """How much of a limit is spent, in ten steps: empty only where nothing is, full only where all is."""
    if spent_micro_usd <= 0:
        full = 0
    elif spent_micro_usd >= limit_micro_usd:
        full = _WIDTH
    else:
        full = min(max(spent_micro_usd * _WIDTH // limit_micro_usd, 1), _WIDTH - 1)
    return "▓" * full + "░" * (_WIDTH - full)


def _has_any(budgets: Budgets) -> bool:
    limits: tuple[int | Mapping[object, int] | None, ...] = (
        budgets.everybody,
        budgets.channel,
        budgets.person,
    )
    return any(limit is not None for limit in limits) or bool(
        budgets.tiers or budgets.people or budgets.channels
    )
