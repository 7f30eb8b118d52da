"""A week against the week before it, in a line. Pure."""

from bot.money import dollars
from bot.views.message import line
from dispatch.digest import Digest, Money
from dispatch.editions import Before
from dispatch.states import State
from dispatch.task import MODEL_TIERS


def comparison(digest: Digest, before: Before) -> str:
    """Money, tasks and tiers, each with what it was before; empty where neither had anything."""
    ended, was = sum(digest.ended.values()), sum(before.ended.values())
    if not (ended or was or digest.total != Money() or before.total != Money()):
        return ""
    answered = digest.ended.get(State.DONE, 0), before.ended.get(State.DONE, 0)
    spent = {one.tier: one.money for one in digest.tiers}
    parts = [
        _spent("", digest.total, before.total),
        f"{ended} ended after {was}",
        f"{answered[0]} answered after {answered[1]}",
        *(
            _spent(f"{tier.capitalize()} ", spent.get(tier, Money()), before.spent.get(tier, Money()))
            for tier in MODEL_TIERS
            if tier in spent or tier in before.spent
        ),
    ]
    return f"*Against the week before:* {line(parts)}"


def _spent(what: str, now: Money, before: Money) -> str:
    """An amount and the one before, with the change in percent where both are known whole."""
    told = f"{what}{dollars(now.micro_usd, now.unpriced)} after {dollars(before.micro_usd, before.unpriced)}"
    if not before.micro_usd or now.unpriced or before.unpriced:
        return told
    change = round(100 * (now.micro_usd - before.micro_usd) / before.micro_usd)
    return f"{told} ({change:+d} %)"
