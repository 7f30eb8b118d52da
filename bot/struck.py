"""Secrets struck out of what is shown of a task. Pure.

Before anything is cut or escaped, so that none slips through in a piece. `secrets` are those we know.
"""

from collections.abc import Collection
from dataclasses import replace

from bot.redact import redact
from dispatch.questions import Question
from dispatch.task import Attempt, Task


def of_task(task: Task, secrets: Collection[str]) -> Task:
    """The task without the secrets in its words and in the reason for its route."""
    route = replace(task.route, reason=redact(task.route.reason, secrets))
    return replace(task, words=redact(task.words, secrets), route=route)


def of_attempt(attempt: Attempt, secrets: Collection[str]) -> Attempt:
    """The attempt without the secrets in what its session said, did and left."""
    fault, work = attempt.fault, attempt.work
    if work is not None:
        work = replace(work, diffstat=redact(work.diffstat, secrets), diff=redact(work.diff, secrets))
    if fault is not None:
        fault = replace(fault, detail=redact(fault.detail, secrets))
    return replace(
        attempt,
        text=redact(attempt.text, secrets),
        progress=redact(attempt.progress, secrets),
        fault=fault,
        work=work,
    )


def of_question(question: Question, secrets: Collection[str]) -> Question:
    """The question without the secrets in its words and in its answer."""
    return replace(
        question,
        text=redact(question.text, secrets),
        reason=redact(question.reason, secrets),
        options=tuple(redact(option, secrets) for option in question.options),
        answer=question.answer and redact(question.answer, secrets),
    )
