"""What may be pressed on a task's messages, as of now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.money import dollars
from bot.slacktext import neutralise
from bot.views.message import Block, actions, button, confirmed, thumbs
from dispatch.faults import FaultKind
from dispatch.moving import above, reprioritised
from dispatch.questions import Decision, Question, QuestionKind
from dispatch.routing import PRIORITIES, Table, by_urgency
from dispatch.states import State
from dispatch.task import Attempt, HoldKind, Task, Tier

_LABEL_LIMIT: Final = 75
_MONEY_RAN_OUT = frozenset({FaultKind.OVER_CAP, FaultKind.OVER_BUDGET})


class Action(StrEnum):
    """The ids of our buttons."""

    ANOTHER_CAP = "another_cap"
    CHEAPER = "cheaper"
    WAIT = "wait"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    ANSWER_1 = "answer:1"
    ANSWER_2 = "answer:2"
    ANSWER_3 = "answer:3"
    ANSWER_4 = "answer:4"
    ANSWER_5 = "answer:5"
    APPROVE_ONCE = "approve_once"
    APPROVE_TASK = "approve_task"
    DENY = "deny"
    RAISE = "raise"
    STAY = "stay"
    BUMP = "bump"
    LOWER = "lower"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    STOP = "stop"
    RETRY = "retry"
    TIER_UP = "tier_up"
    FEEDBACK = "feedback"
    PAUSE = "pause"
    RESUME = "resume"
    FOLLOW = "follow"
    FOLLOW_UP = "follow_up"


OPTIONS: Final = (Action.ANSWER_1, Action.ANSWER_2, Action.ANSWER_3, Action.ANSWER_4, Action.ANSWER_5)
"""The buttons of a question, one for each of its options."""

_DECISIONS: Final = {
    Action.APPROVE_ONCE: Decision.ONCE,
    Action.APPROVE_TASK: Decision.FOR_TASK,
    Action.DENY: Decision.DENY,
    Action.RAISE: Decision.RAISE,
    Action.STAY: Decision.STAY,
}
ANSWERS: Final = frozenset({*OPTIONS, *_DECISIONS})
"""The actions that answer a question."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: what it does and the words on it, which say what it would do now."""

    action: Action
    label: str


_CANCEL: Final = Offer(Action.CANCEL, "Cancel")


def on_card(task: Task, table: Table) -> tuple[Offer, ...]:
    """What a task's card offers: the moves it can make now, each with what it would come to."""
    match task.state:
        case State.QUEUED:
            return (*_priorities(task, table), Offer(Action.HOLD, "Hold"), _CANCEL)
        case State.HELD:
            return _held(task, table)
        case State.RUNNING:
            return () if task.cancel_asked else (Offer(Action.STOP, "Stop"),)
        case State.WAITING:
            return (_CANCEL,)
        case _:
            return _ended(task, table)


def _held(task: Task, table: Table) -> tuple[Offer, ...]:
    """A cheaper tier or patience, while a budget has no room for it; its freedom, while a person holds it."""
    if task.alike is not None:
        follow = Offer(Action.FOLLOW, f"Follow #{task.alike}")
        return (follow, Offer(Action.RELEASE, "Run anyway"), _CANCEL)
    if task.hold is HoldKind.PERSON:
        return (Offer(Action.RELEASE, "Release"), _CANCEL)
    if task.hold is not HoldKind.BUDGET:
        return (_CANCEL,)
    below = _below(task.route.tier, table)
    cheaper = (Offer(Action.CHEAPER, f"Run on {below.capitalize()}"),) if below else ()
    return (*cheaper, Offer(Action.WAIT, "Wait"), _CANCEL)


def _priorities(task: Task, table: Table) -> tuple[Offer, ...]:
    moves = ((Action.BUMP, "Bump", task.priority - 1), (Action.LOWER, "Lower", task.priority + 1))
    return tuple(
        Offer(action, f"{verb} to p{priority}{_elsewhere(task, priority, table)}")
        for action, verb, priority in moves
        if priority in PRIORITIES
    )


def _elsewhere(task: Task, priority: int, table: Table) -> str:
    tier = reprioritised(task, priority, table).tier
    return "" if tier is task.route.tier else f", {tier.capitalize()}"


def _ended(task: Task, table: Table) -> tuple[Offer, ...]:
    """What may follow: words, or another run. Whoever may run a script is asked for it by words."""
    if task.forgotten or task.script is not None or task.taken_by is not None:
        return ()
    if takes_follow_up(task):
        return (Offer(Action.FOLLOW_UP, "Follow up"), *_another_run(task, table))
    return _another_run(task, table)


def takes_follow_up(task: Task) -> bool:
    """Whether a form may go on from it: it is answered, that is kept, and there is a thread to go on in."""
    kept = not task.forgotten and task.script is None
    return kept and task.state is State.DONE and bool(task.channel)


def _another_run(task: Task, table: Table) -> tuple[Offer, ...]:
    again = () if task.state is State.DONE or task.cap_used else (Offer(Action.RETRY, _again(task)),)
    if task.follows is not None:
        return again
    better = above(task.route.tier, table)
    return (*again, Offer(Action.TIER_UP, f"One tier up: {better.capitalize()}")) if better else again


def _again(task: Task) -> str:
    return "Retry" if task.follows is None else "Run anyway"


def on_answer(task: Task, attempt: Attempt, table: Table) -> tuple[Offer, ...]:
    """What the reply to a task's newest attempt offers: another cap, where money ended it."""
    newest = attempt.number == task.attempt and task.state in (State.FAILED, State.PARKED)
    if not newest or not (task.cap_used or (attempt.fault and attempt.fault.kind in _MONEY_RAN_OUT)):
        return ()
    more = dollars(table[task.route.tier].cap_micro_usd).removesuffix(".00")
    return (Offer(Action.ANOTHER_CAP, f"Another {more}"),)


def on_question(question: Question) -> tuple[Offer, ...]:
    """What an open question offers."""
    match question.kind:
        case QuestionKind.QUESTION:
            options = zip(OPTIONS, question.options, strict=False)
            return tuple(Offer(action, _label(option)) for action, option in options)
        case QuestionKind.APPROVAL:
            return (
                Offer(Action.APPROVE_ONCE, "Approve once"),
                Offer(Action.APPROVE_TASK, "Approve for this task"),
                Offer(Action.DENY, "Deny"),
            )
        case QuestionKind.UPGRADE:
            better = question.route.tier.capitalize() if question.route else "a better tier"
            return (Offer(Action.RAISE, f"Run on {better}"), Offer(Action.STAY, "Go on as it is"))


def answer_of(action: Action, question: Question) -> str | None:
    """The answer that a button gives to the question; None where the question has no such button."""
    if action not in [offer.action for offer in on_question(question)]:
        return None
    return _DECISIONS[action] if action in _DECISIONS else question.options[OPTIONS.index(action)]


def _label(option: str) -> str:
    label = " ".join(neutralise(option).split()) or "…"
    return label if len(label) <= _LABEL_LIMIT else label[: _LABEL_LIMIT - 1].rstrip() + "…"


def row(task: Task, offers: Sequence[Offer]) -> tuple[Block, ...]:
    """The block that holds these buttons, if there are any."""
    if not offers:
        return ()
    number = str(task.id)
    return (actions(f"task:{number}", [_button(task, offer) for offer in offers]),)


def on_queue(*, paused: bool) -> Offer:
    """What operators are offered for the whole queue."""
    return Offer(Action.RESUME, "Resume the queue") if paused else Offer(Action.PAUSE, "Pause the queue")


def on_thumbs(task: Task) -> Block:
    """What an answer offers: a thumb up and one down."""
    number = task.id
    return thumbs(Action.FEEDBACK, f"feedback:{number}", f"{number} up", f"{number} down")


def _button(task: Task, offer: Offer) -> Block:
    pressed = button(offer.action, offer.label, str(task.id))
    if offer.action is not Action.STOP:
        return pressed
    asked = f"Stop #{task.id}? What it has cost until then counts, and what it has so far is posted."
    return confirmed(pressed, asked, "Stop it", "Let it run")


def _below(tier: Tier, table: Table) -> Tier | None:
    tiers = by_urgency(table)
    return next(iter(tiers[tiers.index(tier) + 1 :]), None)
