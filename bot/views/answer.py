"""The reply in a task's thread: the answer, or what became of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.attachments import Attached, detached
from bot.markdown import Rendered, render
from bot.money import dollars
from bot.slacktext import inline, neutralise
from bot.views.blame import blame, is_ours, set_aside, time_taken
from bot.views.dispute import dispute
from bot.views.message import (
    Block,
    Message,
    context,
    is_person,
    line,
    markdown,
    mention,
    plain_text,
    section,
)
from bot.views.offers import Offer, on_thumbs, row
from bot.views.scripts import answered, said
from bot.views.work import work_told
from bot.words import duration, tokens
from dispatch.states import State
from dispatch.task import Attempt, Task, Verdict

_MODEL_LIMIT: Final = 120


@dataclass(frozen=True, slots=True)
class Reply:
    """Messages to post in this order, then the files."""

    messages: tuple[Message, ...]
    files: tuple[Attached, ...] = ()


def reply(task: Task, attempt: Attempt, offers: Sequence[Offer] = (), receipt: str = "") -> Reply:
    """What the thread is told when an attempt ends. Its first part mentions the requester, once.

    `offers` is what may be pressed where there is no answer. A `receipt` stands in place of the footer.
    """
    if attempt.verdict is Verdict.ANSWERED:
        return _answer(task, attempt, receipt or footer(task, attempt))
    return _without_answer(task, attempt, offers)


def _answer(task: Task, attempt: Attempt, receipt: str) -> Reply:
    text, files = answered(attempt.text) if task.script else attempt.text, tuple[Attached, ...]()
    if not task.script:
        text, files = detached(text, _mark(task, attempt))
    rendered = render(text)
    last = len(rendered.parts) - 1
    messages = []
    for number, part in enumerate(rendered.parts):
        blocks: list[Block] = [markdown(part)]
        called = _called(task) if number == 0 else None
        if called:
            blocks.append(section(f"For {mention(called)}"))
        if number < last:
            messages.append(Message(plain_text(part), tuple(blocks), called))
            continue
        blocks += [*_work(task, attempt), context(receipt)]
        plain = Message(plain_text(part), tuple(blocks), called)
        messages.append(replace(plain, blocks=(*blocks, on_thumbs(task)), simpler=plain))
    return Reply(tuple(messages), (*_whole(task, attempt, rendered), *files, *_changes(task, attempt)))


def _mark(task: Task, attempt: Attempt) -> str:
    """What the names of its files begin with: the task, and the attempt where it is not the first."""
    return f"{task.id}.{attempt.number}" if attempt.number > 1 else str(task.id)


def _changes(task: Task, attempt: Attempt) -> tuple[Attached, ...]:
    """What it changed in its project, as a file."""
    if attempt.work is None or not attempt.work.diff:
        return ()
    return (Attached(f"{_mark(task, attempt)}.diff", attempt.work.diff),)


def _whole(task: Task, attempt: Attempt, rendered: Rendered) -> tuple[Attached, ...]:
    """What no messages hold, as a file."""
    if rendered.document is None:
        return ()
    return (Attached(f"task-{task.id}-attempt-{attempt.number}.md", rendered.document),)


def _without_answer(task: Task, attempt: Attempt, offers: Sequence[Offer]) -> Reply:
    called, notice = _called(task), _notice(task, attempt)
    told = section(f"{mention(called)} {notice}" if called else notice)
    below = (*_work(task, attempt), context(footer(task, attempt)), *row(task, offers))
    messages = [Message(notice, (told, *below), called)]
    text = said(attempt.text) if task.script else attempt.text
    rendered = render(text) if attempt.text.strip() else Rendered((), None)
    for number, part in enumerate(rendered.parts):
        heading = (section("*Work so far:*"),) if number == 0 else ()
        messages.append(Message(plain_text(part), (*heading, markdown(part))))
    return Reply(tuple(messages), (*_whole(task, attempt, rendered), *_changes(task, attempt)))


def _work(task: Task, attempt: Attempt) -> tuple[Block, ...]:
    return (section(work_told(task, attempt.work)),) if attempt.work else ()


def _called(task: Task) -> str | None:
    return task.requester if is_person(task.requester) else None


def _notice(task: Task, attempt: Attempt) -> str:
    spent = f"{dollars(task.cost_micro_usd, task.unpriced)} spent"
    if attempt.verdict is Verdict.CANCELLED:
        return f"#{task.id} was cancelled; {spent}. `/task retry {task.id}` runs it after all."
    parked = task.state is State.PARKED
    found = set_aside(task, attempt) if parked else blame(task, attempt)
    if is_ours(attempt) and not parked:
        said = f"Nothing is wrong with your task: {found.what}"
    else:
        said = found.what[:1].upper() + found.what[1:]
    became = "is set aside" if parked else "failed"
    return neutralise(f"#{task.id} {became}. {said}; {spent}. {found.remedy}.")


def footer(task: Task, attempt: Attempt) -> str:
    """`p3 -> Opus` · claude-opus-5-5 · 7 min 12 s · 84k in, 6k out · $0.93 · #42.

    A line below it says so where the session's runtime names another cost.
    """
    if task.script is not None:
        took = duration(time_taken(attempt))
        return line([inline(task.route.reason, 200), "no model", took, _cost(task, attempt), f"#{task.id}"])
    receipt = line(
        [
            inline(task.route.reason, 200),
            inline(attempt.ran_model or attempt.model, _MODEL_LIMIT),
            duration(time_taken(attempt)),
            f"{tokens(attempt.prompt_tokens)} in, {tokens(attempt.output_tokens)} out",
            _cost(task, attempt),
            f"#{task.id}",
        ]
    )
    return "\n".join(part for part in (receipt, dispute(attempt)) if part)


def _cost(task: Task, attempt: Attempt) -> str:
    whole = dollars(task.cost_micro_usd, task.unpriced)
    if attempt.number == 1:
        return whole
    return f"{dollars(attempt.cost_micro_usd, attempt.unpriced)}, {whole} with earlier attempts"
