"""What is told of a request that was made twice. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.slacktext import inline
from bot.views.blame import blame
from bot.views.card import wording
from bot.views.message import Message, context, is_person, line, mention, section
from bot.views.offers import Action, Offer, row
from bot.views.waits import twice
from bot.words import duration
from dispatch.states import State
from dispatch.task import Attempt, Task

_NAME_LIMIT = 80
_WORDS_LIMIT = 200


def question(task: Task, leader: Task, name: str, now: datetime, offers: Sequence[Offer]) -> Message:
    """Whether the task should follow the one it looks like. `name` is of who asked for that, shown only."""
    if task.alike is None:
        return Message(f"#{task.id} is {task.state}: there is nothing to decide.")
    asked = f"Looks like #{leader.id}, {_when(task, leader, name, now)}: follow that one?"
    deciding = [offer for offer in offers if offer.action is not Action.CANCEL]
    told = (section(f"{asked}\n{wording(leader, _WORDS_LIMIT)}"), context(f"#{task.id}: {twice(task)}"))
    return Message(f"{asked} {twice(task)}.", (*told, *row(task, deciding)))


def _when(task: Task, leader: Task, name: str, now: datetime) -> str:
    who = "you" if leader.requester == task.requester else inline(name, _NAME_LIMIT) or "somebody here"
    ago = f"{duration(max(now - (leader.finished_at or leader.created_at), timedelta(0)))} ago"
    match leader.state:
        case State.DONE:
            return f"answered {ago} for {who}"
        case State.QUEUED | State.HELD:
            return f"queued {ago} by {who}"
        case _:
            return f"{leader.state}, asked {ago} by {who}"


def receipt(task: Task, leader: Task) -> str:
    """Below an answer that is another task's."""
    return line([f"#{task.id} follows #{leader.id}", f"its cost is on the receipt of #{leader.id}"])


def without_answer(task: Task, leader: Task, attempts: Sequence[Attempt], offers: Sequence[Offer]) -> Message:
    """The task that was followed has ended without an answer."""
    why = blame(leader, attempts[-1]).what if attempts and leader.state is State.FAILED else ""
    became = f"#{leader.id}, which #{task.id} follows, has no answer: it is {leader.state}"
    notice = f"{became}{f' ({why})' if why else ''}. #{task.id} has cost nothing."
    called = task.requester if is_person(task.requester) else None
    told = section(f"{mention(called)} {notice}" if called else notice)
    return Message(notice, (told, *row(task, offers)), called)
