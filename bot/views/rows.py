"""A task in a list that can be touched: what it is, where it stands, and the buttons of its card. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bot.money import dollars
from bot.slacktext import inline
from bot.views.card import wording
from bot.views.message import Block, actions, button, clock_time, line, moment, section
from bot.views.offers import Action, on_card, on_question, row
from bot.views.outlook import expected, person
from bot.views.question import follows
from bot.views.waits import briefly, cause, given_up
from bot.words import PRIVATE
from dispatch.forecast import Outlook
from dispatch.gates import Gate
from dispatch.questions import Question, QuestionKind
from dispatch.routing import Table
from dispatch.states import State
from dispatch.task import Attempt, Task

_WORDS_LIMIT: Final = 100
_PROGRESS_LIMIT: Final = 80
_QUESTION_LIMIT: Final = 250
_PROJECT_LIMIT: Final = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A task and all that is said of it.

    `hidden` says that its words are not for whoever looks. `question` is its open one, where it is theirs to
    answer, `link` leads to its thread, `gate` holds it back.
    """

    task: Task
    hidden: bool = False
    last: Attempt | None = None
    question: Question | None = None
    outlook: Outlook | None = None
    gate: Gate | None = None
    link: str = ""


def row_blocks(shown: Row, table: Table, names: Callable[[str], str], *, theirs: bool) -> tuple[Block, ...]:
    """At most three blocks; `theirs` where whoever looks has asked for the task."""
    task = shown.task
    asker = "" if theirs or shown.hidden else f"for {person(task.requester, names)}"
    project = inline(task.project, _PROJECT_LIMIT) if task.project and not shown.hidden else ""
    state = task.state if task.follows is None else f"follows #{task.follows}"
    facts = [f"#{task.id}", f"p{task.priority}", task.route.tier.capitalize(), project, state]
    words = f"_{PRIVATE}_" if shown.hidden else wording(task, _WORDS_LIMIT)
    lines = [line([f"*{line(facts)}*", asker]), words, _standing(shown)]
    if shown.question is not None:
        lines.append(_asked(shown, shown.question))
    buttons = _answers(shown.question) if shown.question else ()
    text = "\n".join(said for said in lines if said)
    kept = _for_readers(task) if shown.hidden else ()
    offers = [one for one in on_card(task, table) if one.action not in kept]
    return (section(text), *buttons, *row(task, offers))


def _for_readers(task: Task) -> tuple[Action, ...]:
    """What makes a task of one's own out of the words and the answer of this one."""
    return (Action.FOLLOW_UP, Action.TIER_UP) if task.state is State.DONE else (Action.FOLLOW_UP,)


def _standing(shown: Row) -> str:
    task, outlook = shown.task, shown.outlook
    match task.state:
        case State.RUNNING:
            return _running(shown)
        case State.QUEUED:
            why = cause(shown.gate.name, shown.gate.fault) if shown.gate else ""
            return line([why, expected(outlook) if outlook else "", given_up(task)])
        case State.HELD:
            return line([briefly(task), expected(outlook) if outlook else ""])
        case State.WAITING:
            return line(["waits for an answer", _cost(task)])
        case _:
            ended = f"ended {clock_time(task.finished_at)}" if task.finished_at else ""
            return line([ended, _cost(task)])


def _running(shown: Row) -> str:
    task, last = shown.task, shown.last
    if last is None:
        return _cost(task)
    doing = "" if shown.hidden else inline(last.progress, _PROGRESS_LIMIT)
    doing = "stopping, as asked" if task.cancel_asked else doing
    which = f"attempt {last.number}" if last.number > 1 else ""
    money = "" if task.script else f"{_cost(task)} of {dollars(task.route.cap_micro_usd)} so far"
    return line([f"since {clock_time(last.started_at)}", which, money, doing])


def _cost(task: Task) -> str:
    return "no model" if task.script else dollars(task.cost_micro_usd, task.unpriced)


def _asked(shown: Row, question: Question) -> str:
    """What it asks. What is to be approved is read whole, in its thread, and nowhere else."""
    task = shown.task
    until = f"It waits until {moment(question.deadline, question.asked_at)}, {follows(task, question)}"
    if question.kind is QuestionKind.APPROVAL:
        where = _lead(shown, "Approve or deny it in its thread", "approve or deny it in its thread")
        return f":large_purple_circle: It wants to do something that needs a yes: {where}. {until}"
    said = inline(question.text, _QUESTION_LIMIT)
    words = "in words in its thread" if question.options else "in its thread"
    where = _lead(shown, f"Answer {words}", f"answer {words}")
    more = f" {where[:1].upper()}{where[1:]}." if question.kind is QuestionKind.QUESTION else ""
    return f":large_purple_circle: {said}{more} {until}"


def _lead(shown: Row, linked: str, plain: str) -> str:
    return f"<{shown.link}|{linked}>" if shown.link else plain


def _answers(question: Question) -> tuple[Block, ...]:
    offers = () if question.kind is QuestionKind.APPROVAL else on_question(question)
    if not offers:
        return ()
    number = str(question.id)
    pressed = [button(offer.action, offer.label, number) for offer in offers]
    return (actions(f"question:{number}", pressed),)
