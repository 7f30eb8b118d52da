"""What a thread or a person is told besides card and answer. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bot.markdown import split
from bot.money import dollars
from bot.slacktext import escape, inline, neutralise
from bot.views.message import (
    TEXT_LIMIT,
    Message,
    at_moment,
    cut,
    day_and_time,
    is_person,
    markdown,
    mention,
    section,
)
from bot.views.work import whereabouts
from dispatch.policy import LOSSES
from dispatch.task import Attempt, Task

WITHDRAWN: Final = "Withdrawn: what stood here was written on the way and was no answer."

_REASON_LIMIT: Final = 200
_TICKS: Final = re.compile("`+")
_FULL: Final = 100
_SECTION_LIMIT: Final = 3_000


def notice(mrkdwn: str) -> Message:
    """Tells a channel something. What would ping somebody is made harmless."""
    text = neutralise(mrkdwn)
    return Message(text, (section(text),) if len(text) <= _SECTION_LIMIT else ())


def restart_notice(task: Task, attempt: Attempt, reason: str) -> Message:
    """Says that an attempt was lost, what it cost, that another follows, and how many may be lost."""
    of = f"of {LOSSES}" if attempt.number == task.losses else f"of #{task.id}"
    lost = f"Attempt {attempt.number} {of} was lost: {inline(reason, _REASON_LIMIT)}."
    follows = f"attempt {attempt.number + 1} follows."
    if attempt.cost_micro_usd or attempt.unpriced:
        follows = f"{dollars(attempt.cost_micro_usd, attempt.unpriced)} already counts; {follows}"
    if task.losses and task.losses != attempt.number:
        follows += f" It is set aside when {LOSSES} are lost to a process that died, and {task.losses} were."
    if attempt.work:
        follows += f" {whereabouts(task, attempt.work)}"
    text = neutralise(f"{lost} {follows[:1].upper()}{follows[1:]}")
    return Message(text, (section(text),))


def moved_notice(task: Task, channel: str, code: str) -> Message:
    """Says why a task is told of in a direct message, and how to change that. `code` is Slack's."""
    why = {
        "not_in_channel": f"I am not in <#{channel}>. Type `/invite @Onequeue` there",
        "channel_not_found": "I do not see the channel you asked in. Type `/invite @Onequeue` there",
        "is_archived": f"<#{channel}> is archived. Ask in another channel",
    }.get(code, f"I may not post in <#{channel}> ({inline(code, 80)}). Ask in another channel")
    text = f"#{task.id} is answered here, because {why} and the next task is answered there."
    return Message(text, (section(text),))


def answer_refused_notice(task: Task, code: str) -> Message:
    """Says where an answer is that Slack does not take."""
    called = task.requester if is_person(task.requester) else None
    text = (
        f"Not all of the answer to #{task.id} could be posted: Slack refused it ({inline(code, 80)}). "
        f"`onequeue show {task.id}` prints it."
    )
    said = f"{mention(called)} {text}" if called else text
    return Message(text, (section(said),), called)


def file_refused_notice(task: Task, code: str) -> Message:
    """Says where the rest of an answer is when Slack takes no file."""
    text = (
        f"The whole answer does not fit in messages, and Slack takes no file ({inline(code, 80)}). "
        f"`onequeue show {task.id}` prints it."
    )
    return Message(text, (section(text),))


def file_as_text(task: Task, code: str, name: str, content: str) -> Message:
    """A file's words in a message, when Slack takes no file; says where they are if none holds them."""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(content)), default=0))
    shown = split(f"{fence}\n{content.rstrip()}\n{fence}")
    if len(shown) != 1:
        return file_refused_notice(task, code)
    text = f"Slack takes no file ({inline(code, 80)}). This is {inline(name, 100)}:"
    plain = neutralise(cut(f"{text}\n{escape(content)}", TEXT_LIMIT - 1))
    return Message(plain, (section(text), markdown(shown[0])))


def expired_notice(task: Task) -> Message:
    """Says that a task was given up before it ran."""
    called = task.requester if is_person(task.requester) else None
    when = f" {at_moment(task.expires_at, task.created_at)}" if task.expires_at else ""
    counts = f" {dollars(task.cost_micro_usd, task.unpriced)} already counts."
    spent = counts if task.cost_micro_usd or task.unpriced else ""
    text = (
        f"#{task.id} was given up{when}: it had no answer by then.{spent} "
        f"`/task retry {task.id}` runs it after all."
    )
    said = f"{mention(called)} {text}" if called else text
    return Message(text, (section(said),), called)


def budget_notice(facts: Mapping[str, Any]) -> Message:
    """Says that a budget has reached a step: `facts` as the books wrote them."""
    limit, spent, step = facts["limit_micro_usd"], facts["spent_micro_usd"], facts["step"]
    resets = day_and_time(datetime.fromisoformat(facts["resets_at"]))
    sign = ":large_red_square:" if step >= _FULL else ":large_yellow_square:"
    head = f"{sign} *{step} % of the day's budget for {scope_name(facts['scope'])} is spent*"
    follows = "Its tasks wait until then" if step >= _FULL else "A task waits once its cap has no room in it"
    text = neutralise(f"{head}: {dollars(spent)} of {dollars(limit)}. {follows}. It resets {resets}.")
    return Message(text, (section(text),))


def scope_name(scope: str) -> str:
    """A budget's scope in words that ping nobody."""
    kind, _, name = scope.partition(":")
    match kind:
        case "channel":
            return f"<#{name}>" if name.isalnum() else inline(name, 80)
        case "person":
            return f"the person {inline(name, 80)}"
        case "tier":
            return inline(name, 80).capitalize()
        case _:
            return "everybody"
