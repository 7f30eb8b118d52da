"""Budgets of a day: reserve, refuse, degrade, warn. Pure; micro-dollars only.

What a running task may still spend is reserved, so that sessions side by side cannot jointly overshoot.
A budget is one day's money for everybody (`all`), a channel, a person or a tier; its day is the team's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dispatch.policy import URGENT
from dispatch.task import Shortage, Task, Tier

ALL = "all"

STEPS = (50, 80, 100)
"""The percentages of a budget at which people are told, once each a day."""

DEGRADES = 5
"""From this priority on a task waits unless its whole cap fits; a more urgent one takes what is left."""

_COARSE = 20


@dataclass(frozen=True, slots=True)
class Budgets:
    """The money of one day, in micro-dollars. What is None or not named has no limit.

    `urgent` is the part of `everybody` that is kept for p1 and p2. `channel` and `person` hold for each
    one that is not named.
    """

    everybody: int | None = None
    urgent: int = 0
    channel: int | None = None
    channels: Mapping[str, int] = field(default_factory=dict)
    person: int | None = None
    people: Mapping[str, int] = field(default_factory=dict)
    tiers: Mapping[Tier, int] = field(default_factory=dict)

    def of(self, tier: Tier, channel: str, requester: str) -> dict[str, int]:
        """The limits that hold for such a task, by scope."""
        found = {
            ALL: self.everybody,
            f"tier:{tier}": self.tiers.get(tier),
            f"channel:{channel}": self.channels.get(channel, self.channel) if channel else None,
            f"person:{requester}": self.people.get(requester, self.person),
        }
        return {scope: limit for scope, limit in found.items() if limit is not None}

    def named(self, scopes: Iterable[str]) -> dict[str, int]:
        """The limit of every budget that is set by name, and of each of the scopes that has one."""
        found = {f"channel:{name}": limit for name, limit in self.channels.items()}
        found |= {f"person:{name}": limit for name, limit in self.people.items()}
        found |= {f"tier:{tier}": limit for tier, limit in self.tiers.items()}
        if self.everybody is not None:
            found[ALL] = self.everybody
        for scope in scopes:
            kind, _, name = scope.partition(":")
            default = {"channel": self.channel, "person": self.person}.get(kind) if name else None
            if default is not None:
                found.setdefault(scope, default)
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """Money of one task: booked for it, or reserved by it."""

    tier: Tier
    channel: str
    requester: str
    micro_usd: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the day stands: what was spent and what is reserved, by scope; and when the day ends."""

    spent: Mapping[str, int]
    reserved: Mapping[str, int]
    resets_at: datetime

    def with_reserved(self, task: Task, micro_usd: int) -> "Standing":
        """The same once the task may spend so much."""
        line = Line(task.route.tier, task.channel, task.requester, micro_usd)
        more = {scope: self.reserved.get(scope, 0) + micro_usd for scope in _scopes(line)}
        return replace(self, reserved={**self.reserved, **more})


@dataclass(frozen=True, slots=True)
class Purse:
    """The budgets and the day they hold for: `since` its beginning, `resets_at` its end."""

    budgets: Budgets
    since: datetime
    resets_at: datetime

    def admit(self, task: Task, day: Standing) -> int | Shortage:
        """What the task's next attempt may spend, or the budget that has no room for it now."""
        return admit(task, self.budgets, day)


def by_scope(lines: Iterable[Line]) -> dict[str, int]:
    """Their sums by every scope they belong to."""
    sums: dict[str, int] = {}
    for line in lines:
        for scope in _scopes(line):
            sums[scope] = sums.get(scope, 0) + line.micro_usd
    return sums


def admit(task: Task, budgets: Budgets, day: Standing) -> int | Shortage:
    """What the task's next attempt may spend, or the budget that has no room for it now.

    A p1 or p2 may use what is kept for them. The allowance never exceeds what is left of any budget that
    holds, so that the allowances of all that run never exceed it together. A script needs none.
    """
    if task.script is not None:
        return 0
    wanted = max(task.route.cap_micro_usd - task.cost_micro_usd, 0)
    allowed = wanted
    limits = budgets.of(task.route.tier, task.channel, task.requester)
    for scope, limit in limits.items():
        kept = budgets.urgent if scope == ALL and task.priority > URGENT else 0
        spent, reserved = day.spent.get(scope, 0), day.reserved.get(scope, 0)
        left = limit - kept - spent - reserved
        if left <= 0 or (left < wanted and task.priority >= DEGRADES):
            return Shortage(scope, limit, spent, reserved, kept, day.resets_at)
        allowed = min(allowed, left)
    return allowed


def is_stale(told: Shortage, now: Shortage) -> bool:
    """Whether what was told of a shortage is no longer so.

    That is which budget it is, whether anything is left of it or reserved, or an amount by more than a
    twentieth of it.
    """
    if _kind(told) != _kind(now):
        return True
    coarse = now.limit_micro_usd // _COARSE
    return (
        abs(told.spent_micro_usd - now.spent_micro_usd) > coarse
        or abs(told.reserved_micro_usd - now.reserved_micro_usd) > coarse
    )


def _kind(short: Shortage) -> tuple[object, ...]:
    left = short.limit_micro_usd - short.kept_micro_usd - short.spent_micro_usd
    reserves = short.reserved_micro_usd > 0
    return (short.scope, short.limit_micro_usd, short.kept_micro_usd, short.resets_at, left > 0, reserves)


def never_fits(priority: int, cap_micro_usd: int, limits: Mapping[str, int], urgent: int) -> str | None:
    """The scope of a budget that has no room for the task even on a day without spending, if there is one."""
    if priority < DEGRADES:
        return None
    for scope, limit in limits.items():
        if cap_micro_usd > limit - (urgent if scope == ALL else 0):
            return scope
    return None


def reached(limit_micro_usd: int, spent_micro_usd: int) -> int | None:
    """The highest step of a budget that was reached, in percent."""
    passed = [step for step in STEPS if spent_micro_usd * 100 >= limit_micro_usd * step]
    return max(passed, default=None)


def _scopes(line: Line) -> tuple[str, ...]:
    return (ALL, f"tier:{line.tier}", f"channel:{line.channel}", f"person:{line.requester}")
