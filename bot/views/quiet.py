"""What is seen of a task in a quiet channel, and of one that was asked for in private. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.views.work import counted_files
from dispatch.faults import FaultKind
from dispatch.task import Attempt, Task

_NAMING: Final = frozenset({FaultKind.INVALID_REQUEST, FaultKind.RUNTIME, FaultKind.UNKNOWN})
"""The faults whose details may name a project or a path."""


def hushed(task: Task, attempts: Iterable[Attempt]) -> tuple[Task, list[Attempt]]:
    """The task and its attempts without such names.

    Of a progress line only the runner's own words are left, which name nothing, and of a summary of changes
    the count.
    """
    return replace(task, project=None), [_hushed(task, attempt) for attempt in attempts]


def veiled(task: Task, attempts: Iterable[Attempt]) -> tuple[Task, list[Attempt]]:
    """The task and its attempts for whoever could not read it where it was asked: no words, no names."""
    route = replace(task.route, reason="")
    return replace(task, words="", project=None, route=route), [_veiled(attempt) for attempt in attempts]


def _veiled(attempt: Attempt) -> Attempt:
    fault = attempt.fault and replace(attempt.fault, detail="")
    return replace(attempt, text="", progress="", work=None, fault=fault)


def _hushed(task: Task, attempt: Attempt) -> Attempt:
    work, fault = attempt.work, attempt.fault
    if work is not None:
        work = replace(work, diffstat=counted_files(work), diff="")
    if fault is not None and fault.detail and fault.kind in _NAMING and task.project:
        fault = replace(fault, detail=f"/task show {task.id} says more, to you alone")
    return replace(attempt, progress=attempt.doing, work=work, fault=fault)
