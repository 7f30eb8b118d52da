"""What may be pressed on a task's messages, as of now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.money import dollars
from bot.views.message import Block, actions, button
from dispatch.faults import FaultKind
from dispatch.routing import Table, by_urgency
from dispatch.task import Attempt, HoldKind, State, Task, Tier

_MONEY_RAN_OUT = frozenset({FaultKind.OVER_CAP, FaultKind.OVER_BUDGET})


class Action(StrEnum):
    """The ids of our buttons."""

    ANOTHER_CAP = "another_cap"
    CHEAPER = "cheaper"
    WAIT = "wait"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: what it does and the words on it, which say what it would do now."""

    action: Action
    label: str


def on_card(task: Task, table: Table) -> tuple[Offer, ...]:
    """What a task's card offers: a cheaper tier or patience, while a budget has no room for it."""
    if task.state is not State.HELD or task.hold is not HoldKind.BUDGET:
        return ()
    below = _below(task.route.tier, table)
    cheaper = (Offer(Action.CHEAPER, f"Run on {below.capitalize()}"),) if below else ()
    return (*cheaper, Offer(Action.WAIT, "Wait"))


def on_answer(task: Task, attempt: Attempt, table: Table) -> tuple[Offer, ...]:
    """What the reply to a task's newest attempt offers: another cap, where money ended it."""
    newest = attempt.number == task.attempt and task.state in (State.FAILED, State.PARKED)
    if not newest or not (task.cap_used or (attempt.fault and attempt.fault.kind in _MONEY_RAN_OUT)):
        return ()
    more = dollars(table[task.route.tier].cap_micro_usd).removesuffix(".00")
    return (Offer(Action.ANOTHER_CAP, f"Another {more}"),)


def row(task: Task, offers: Sequence[Offer]) -> tuple[Block, ...]:
    """The block that holds these buttons, if there are any."""
    if not offers:
        return ()
    number = str(task.id)
    return (actions(f"task:{number}", [button(offer.action, offer.label, number) for offer in offers]),)


def _below(tier: Tier, table: Table) -> Tier | None:
    tiers = by_urgency(table)
    return next(iter(tiers[tiers.index(tier) + 1 :]), None)
