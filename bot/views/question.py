"""What a session asks people, in the thread of its task. Pure."""

from collections.abc import Iterator
from typing import Final

from bot.markdown import render
from bot.money import dollars
from bot.slacktext import escape, inline, neutralise
from bot.views.message import (
    Block,
    Message,
    actions,
    at_moment,
    button,
    context,
    cut,
    is_person,
    line,
    markdown,
    mention,
    moment,
    plain_text,
    section,
)
from bot.views.offers import on_question
from bot.words import counted
from dispatch.questions import Decision, Ending, Question, QuestionKind
from dispatch.states import State
from dispatch.task import Task

_ACTION_LIMIT: Final = 2_500
_ACTION_BLOCKS: Final = 10
_ACTION_IN_ALL: Final = 10_000
"""Any action that people must see whole fits, however its lines fall, and all of its message into Slack."""

_LINE_LIMIT: Final = 2_000
_ANSWER_LIMIT: Final = 1_500
_NAME_LIMIT: Final = 80


def question_message(task: Task, question: Question, who: str = "") -> Message:
    """A question as of now. Open, it mentions the requester, once; over, it says how it ended.

    `who` is the name of the person who answered: shown, never mentioned.
    """
    called = task.requester if is_person(task.requester) and question.ending is None else None
    head = _head(task, question)
    body = _body(question)
    foot = _asks(task, question) if question.ending is None else _ended(question, who)
    text = plain_text(f"{head} {question.text}") if question.kind is not QuestionKind.UPGRADE else head
    return Message(
        text=neutralise(cut(line([text, "" if question.ending is None else foot]), _LINE_LIMIT)),
        blocks=(
            section(f"{mention(called)} {head}" if called else head),
            *body,
            *_buttons(question),
            context(foot),
        ),
        mentions=called,
    )


def _head(task: Task, question: Question) -> str:
    sign = ":large_purple_circle:"
    match question.kind:
        case QuestionKind.QUESTION:
            return f"{sign} *#{task.id} asks:*"
        case QuestionKind.APPROVAL:
            return f"{sign} *#{task.id} wants to do exactly this:*"
        case QuestionKind.UPGRADE:
            why = inline(question.text, _LINE_LIMIT)
            return f"{sign} *#{task.id} is more complex than {_tier(task, question)} expected:* {why}"


def _tier(task: Task, question: Question) -> str:
    """The tier that asked to be relieved; once the task is raised its own is another."""
    raised = question.route is not None and question.route.tier is task.route.tier
    return "its session" if raised else task.route.tier.capitalize()


def _body(question: Question) -> tuple[Block, ...]:
    match question.kind:
        case QuestionKind.QUESTION:
            return tuple(markdown(part) for part in render(question.text).parts)
        case QuestionKind.APPROVAL:
            why = (section(f"Why: {inline(question.reason, _LINE_LIMIT)}"),) if question.reason else ()
            return (*_exactly(question), *why)
        case QuestionKind.UPGRADE:
            return ()


def _exactly(question: Question) -> tuple[Block, ...]:
    """The action as it is, but for what would end its block or ping somebody; cut with notice."""
    safe = escape(question.text.replace("`", "ˋ"))
    parts = list(_parts(safe))
    if len(parts) <= _ACTION_BLOCKS and len(safe) <= _ACTION_IN_ALL:
        return tuple(section(f"```\n{part}\n```") for part in parts)
    block = section(f"```\n{cut(safe, _ACTION_LIMIT)}\n```")
    whole = f"*This is only its beginning.* It has {counted(len(question.text), 'character')}; "
    return (block, section(f"{whole}`onequeue show {question.task_id}` prints all of it."))


def _parts(escaped: str) -> Iterator[str]:
    """Escaped text in parts that fit a block each: whole lines where they do, never half an `&amp;`."""
    while len(escaped) > _ACTION_LIMIT:
        end = escaped.rfind("\n", 0, _ACTION_LIMIT + 1)
        if end <= 0:
            end = len(cut(escaped, _ACTION_LIMIT)) - 1
            yield escaped[:end]
            escaped = escaped[end:]
        else:
            yield escaped[:end]
            escaped = escaped[end + 1 :]
    yield escaped


def _buttons(question: Question) -> tuple[Block, ...]:
    offers = on_question(question) if question.ending is None else ()
    if not offers:
        return ()
    number = str(question.id)
    row = [button(offer.action, offer.label, number) for offer in offers]
    return (actions(f"question:{number}", row),)


def _asks(task: Task, question: Question) -> str:
    more = ""
    if question.kind is QuestionKind.QUESTION:
        more = "Or answer in words: reply in this thread" if question.options else "Reply in this thread"
    if question.kind is QuestionKind.UPGRADE and question.route is not None:
        more = f"It may cost {dollars(question.route.cap_micro_usd)} in all there"
    return line(
        [more, f"I wait until {moment(question.deadline, question.asked_at)}, {follows(task, question)}"]
    )


def follows(task: Task, question: Question) -> str:
    """What happens where nobody answers: `then I go on without an answer`."""
    if task.expires_at is not None and question.deadline >= task.expires_at:
        return "then the task is given up"
    match question.kind:
        case QuestionKind.QUESTION:
            return "then I go on without an answer"
        case QuestionKind.APPROVAL:
            return "then it counts as denied"
        case QuestionKind.UPGRADE:
            return f"then I go on on {task.route.tier.capitalize()}"


def waits(task: Task, question: Question) -> str:
    """Where a task is that waits for its question: a line of its card."""
    until = moment(question.deadline, question.asked_at)
    where = "Waiting for an answer in the thread"
    if task.state is State.WAITING:
        return f"{where} until {until}, {follows(task, question)}"
    return f"asks in the thread, until {until}"


def _ended(question: Question, who: str) -> str:
    name = inline(who, _NAME_LIMIT) or "Somebody"
    when = at_moment(question.ended_at, question.asked_at) if question.ended_at else ""
    match question.ending:
        case Ending.OVERDUE:
            return f"Nobody answered in time: {_without(question)} {when}"
        case Ending.STALE:
            return f"Over {when}: the task needs no answer to this any more"
        case _:
            return f"{_answered(question, name)} {when}"


def _without(question: Question) -> str:
    return "that counted as denied" if question.kind is QuestionKind.APPROVAL else "I went on without"


def _answered(question: Question, name: str) -> str:
    match question.answer:
        case Decision.ONCE if question.kind is QuestionKind.APPROVAL:
            return f":white_check_mark: {name} approved it once"
        case Decision.FOR_TASK if question.kind is QuestionKind.APPROVAL:
            return f":white_check_mark: {name} approved it for this task"
        case Decision.DENY if question.kind is QuestionKind.APPROVAL:
            return f":no_entry_sign: {name} denied it"
        case Decision.RAISE if question.kind is QuestionKind.UPGRADE:
            better = question.route.tier.capitalize() if question.route else "a better tier"
            return f":white_check_mark: {name} sent it to {better}"
        case Decision.STAY if question.kind is QuestionKind.UPGRADE:
            return f":white_check_mark: {name} lets it go on as it is"
        case answer:
            return f":white_check_mark: {name} answered: {inline(answer or '', _ANSWER_LIMIT)}"
