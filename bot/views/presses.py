"""What a person is told in private who pressed a button, as mrkdwn. Pure."""

from bot.money import dollars
from bot.views.message import day_and_time
from dispatch.questions import Question
from dispatch.task import Task

_UNCHANGED = "Nothing was changed"


def goes_cheaper(task: Task) -> str:
    """A task was sent to a cheaper tier."""
    cap = dollars(task.route.cap_micro_usd)
    return f"#{task.id} is queued for {task.route.tier.capitalize()} now; it may cost {cap} there."


def goes_on(task: Task) -> str:
    """A task whose money had run out has more."""
    cap, spent = dollars(task.route.cap_micro_usd), dollars(task.cost_micro_usd, task.unpriced)
    return f"#{task.id} is queued again: it may cost {cap} in all, of which {spent} is spent."


def reprioritised(task: Task, was: Task) -> str:
    """A task has another priority."""
    way = "raised" if task.priority < was.priority else "lowered"
    where = f"p{task.priority} · {task.route.tier.capitalize()}"
    return f"#{task.id} is {way} from p{was.priority}: {where}. Its card shows where it stands."


def held(task: Task) -> str:
    """A task waits for a person."""
    return f"#{task.id} is held. `/task release {task.id}` lets it go on in its place."


def released(task: Task) -> str:
    """A task goes on in its place."""
    return f"#{task.id} is queued again, in its place · p{task.priority} · {task.route.tier.capitalize()}"


def follows(task: Task) -> str:
    """A task takes the answer of another."""
    return f"#{task.id} follows #{task.follows}: its answer comes to you too, and costs nothing more."


def goes_up(task: Task, was: Task) -> str:
    """A task runs again one tier up, as a new one where it was answered."""
    tier, cap = task.route.tier.capitalize(), dollars(task.route.cap_micro_usd)
    again = f"#{task.id} is queued" if task.id == was.id else f"#{was.id} is asked again as #{task.id}"
    return f"{again} for {tier}; it may cost {cap} in all."


def reply_instead(task: Task) -> str:
    """No form opened for a follow-up."""
    how = f"Say it in the thread of #{task.id} instead, beginning with my name"
    return f"Slack opened no form. {how}: that goes on from it as well."


def noted(task: Task, liked: bool) -> str:
    """What a person thinks of an answer was taken down."""
    return f"Noted: a thumb {'up' if liked else 'down'} for #{task.id}. The other thumb changes it."


def waits(task: Task) -> str:
    """A task stays where a budget holds it."""
    until = f" {day_and_time(task.shortage.resets_at)}" if task.shortage else ""
    return f"#{task.id} waits: its budget resets{until}, and it runs as soon as there is room for it."


def moved_on(task: Task) -> str:
    """The button no longer says what is so."""
    where = f"it is {task.state} now, on {task.route.tier.capitalize()}"
    return f"#{task.id} has moved on: {where}. {_UNCHANGED}; its card shows where it is."


def answered(question: Question) -> str:
    """A question was answered."""
    return f"Taken: #{question.task_id} goes on with your answer."


def not_asked(task: Task) -> str:
    """The question has no such button."""
    return f"#{task.id} did not ask that. {_UNCHANGED}; its thread shows what it asks."


def press_a_button(task: Task) -> str:
    """Words were said where only a button counts."""
    waits = f"#{task.id} waits for one of the buttons under its question"
    return f"{waits}: words decide nothing there. {_UNCHANGED}."


def no_alarm() -> str:
    """Nobody keeps watch, so there is nothing to acknowledge."""
    return f"There is no such alarm any more. {_UNCHANGED}."


def unreadable() -> str:
    """The button is none of ours, or from an older Onequeue."""
    return f"I do not know this button any more. {_UNCHANGED}; `/task help` shows what I understand."


def not_stored() -> str:
    """Nothing was done because it could not be stored."""
    return f"Not done: I could not store this. The log says why. {_UNCHANGED}; please press again later."


def broken() -> str:
    """Nothing was done because of a defect."""
    return "Not done: something broke on my side. The log says what. Please press again later."
