"""What a thread or a person is told besides card and answer. Pure."""

from typing import Final

from bot.money import dollars
from bot.slacktext import inline, neutralise
from bot.views.message import Message, section
from dispatch.task import Attempt, Task

_REASON_LIMIT: Final = 200
_SECTION_LIMIT: Final = 3_000


def notice(mrkdwn: str) -> Message:
    """Tells a channel something. What would ping somebody is made harmless."""
    text = neutralise(mrkdwn)
    return Message(text, (section(text),) if len(text) <= _SECTION_LIMIT else ())


def restart_notice(task: Task, attempt: Attempt, reason: str) -> Message:
    """Says that an attempt was lost, what it cost and that another follows."""
    lost = f"Attempt {attempt.number} of #{task.id} was lost: {inline(reason, _REASON_LIMIT)}."
    follows = f"attempt {attempt.number + 1} follows."
    if attempt.cost_micro_usd or attempt.unpriced:
        follows = f"{dollars(attempt.cost_micro_usd, attempt.unpriced)} already counts; {follows}"
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


def file_refused_notice(task: Task, code: str) -> Message:
    """Says where the rest of an answer is when Slack takes no file."""
    text = (
        f"The whole answer does not fit in messages, and Slack takes no file ({inline(code, 80)}). "
        f"`onequeue show {task.id}` prints it."
    )
    return Message(text, (section(text),))
