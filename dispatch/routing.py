"""Priority -> tier -> model and limits, with the reason. Pure.

The rule is a table in settings: by default p1-4 go to Opus, p5-7 to Sonnet, p8-10 to Haiku. A tier or
model named on the task wins. Nothing else is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from dispatch.means import Beyond, Profile, RunnerName
from dispatch.task import MODEL_TIERS, Route, Task, Tier
from dispatch.usage import MICRO_USD

PRIORITIES = range(1, 11)
"""p1 is the most urgent."""


@dataclass(frozen=True, slots=True)
class TierRule:
    """What a tier is: its least urgent priority, model, seats, and the limits of one session in it.

    `runner` is the way its sessions run, `profile` what an agent among them may do, and `beyond` what
    becomes of the rest.
    """

    last_priority: int
    model: str
    seats: int
    wall_clock: timedelta
    effort: str
    max_output_tokens: int
    cap_micro_usd: int
    runner: RunnerName = RunnerName.MESSAGES
    profile: Profile = Profile.READ
    beyond: Beyond = Beyond.REFUSE


Table = Mapping[Tier, TierRule]
"""One rule for each tier that runs a model."""

DEFAULT_TABLE: Table = {
    Tier.OPUS: TierRule(4, "claude-opus-5-5", 3, timedelta(minutes=30), "high", 32_000, 10 * MICRO_USD),
    Tier.SONNET: TierRule(7, "claude-sonnet-5-5", 4, timedelta(minutes=15), "medium", 16_000, 3 * MICRO_USD),
    Tier.HAIKU: TierRule(10, "claude-haiku-5-5", 4, timedelta(minutes=5), "low", 8_000, 1 * MICRO_USD),
}


def tier_of(priority: int, table: Table) -> Tier:
    """The tier a priority goes to. The table's last priorities rise to 10, so there always is one."""
    return next(tier for tier in by_urgency(table) if priority <= table[tier].last_priority)


def by_urgency(table: Table) -> list[Tier]:
    """The tiers, the one with the most urgent priorities first."""
    return sorted(table, key=lambda tier: table[tier].last_priority)


def route(priority: int, asked_model: str | None, asked_cap_micro_usd: int | None, table: Table) -> Route:
    """Tier, model and cap for a task, with the reason in words.

    `asked_model` is a tier's name, a full model id or None. A full id sits in the tier whose model or
    name it carries, else in the tier of its priority.
    """
    tier = tier_of(priority, table)
    if asked_model is None:
        model, reason = table[tier].model, f"p{priority} -> {tier.capitalize()}"
    elif asked_model in MODEL_TIERS:
        tier = Tier(asked_model)
        model, reason = table[tier].model, f"{tier.capitalize()} as asked"
    else:
        tier = _seated(asked_model, table) or tier
        model, reason = asked_model, f"{asked_model} as asked"
    cap = table[tier].cap_micro_usd if asked_cap_micro_usd is None else asked_cap_micro_usd
    return Route(tier, model, reason, cap)


def raised(task: Task, reason: str, table: Table) -> Route | None:
    """The next better tier for a task that turned out harder, if there is one. A cap it was given holds."""
    better = by_urgency(table)[: by_urgency(table).index(task.route.tier)]
    if not better:
        return None
    decided = route(task.priority, better[-1].value, task.asked_cap_micro_usd, table)
    was = task.route.tier.capitalize()
    return replace(decided, reason=f"raised from {was} by the session: {reason}")


def _seated(model: str, table: Table) -> Tier | None:
    exact = (tier for tier in table if table[tier].model == model)
    named = (tier for tier in table if tier in model)
    return next(exact, None) or next(named, None)
