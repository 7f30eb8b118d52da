"""What somebody looks at in their Home, and in which order that stands there. Pure."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dispatch.states import State
from dispatch.task import Task

PAGE: Final = 20
"""Tasks on one page: with all their buttons and the longest words they stay within Slack's limits."""

_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")
_FURTHEST: Final = 10_000


class Filter(StrEnum):
    """Whose tasks: one's own, those of one channel, or all."""

    MINE = "mine"
    CHANNEL = "channel"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody has chosen. `channel` is the one chosen last, empty before; pages count from 0."""

    filter: Filter = Filter.MINE
    channel: str = ""
    page: int = 0


class Part(StrEnum):
    """The parts of the board, in this order."""

    ASKS = "asks"
    RUNNING = "running"
    QUEUED = "queued"
    HELD = "held"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the board: its tasks, which it is and of how many, and how many tasks each part has."""

    tasks: Sequence[tuple[Part, Task]]
    number: int
    pages: int
    counts: dict[Part, int]


def written(look: Look) -> str:
    """The look as a view carries it."""
    return json.dumps({"filter": look.filter, "channel": look.channel, "page": look.page})


def read(metadata: object) -> Look:
    """The look that a view carried; the first one where it carried none of ours."""
    try:
        found: object = json.loads(metadata) if isinstance(metadata, str) else None
    except ValueError:
        return Look()
    match found:
        case {"filter": str(chosen), "channel": str(channel), "page": int(page)} if chosen in list(Filter):
            known = channel if is_channel(channel) else ""
            return Look(Filter(chosen), known, min(max(page, 0), _FURTHEST))
    return Look()


def is_channel(name: str) -> bool:
    """Whether that is the id of a conversation."""
    return _CHANNEL.fullmatch(name) is not None


def page_of(
    waiting: Sequence[Task], ended: Sequence[Task], asking: Collection[int], person: str, look: Look
) -> Page:
    """The page that somebody looks at, or the last one where there is none so far on.

    `waiting` are the tasks that have not ended, by urgency, `ended` those of today, `asking` the numbers of
    those with an open question. One that ended while this was read, and so is among both, has ended.
    """
    over = {task.id for task in ended}
    rows = [
        (part, task)
        for task in [
            *(task for task in waiting if task.id not in over),
            *sorted(ended, key=_end, reverse=True),
        ]
        if _is_chosen(task, person, look)
        for part in [_part(task, asking, person)]
    ]
    rows.sort(key=lambda row: list(Part).index(row[0]))
    pages = max(-(-len(rows) // PAGE), 1)
    number = min(look.page, pages - 1)
    counts = {part: sum(one is part for one, _ in rows) for part in Part}
    return Page(rows[number * PAGE : (number + 1) * PAGE], number, pages, counts)


def _is_chosen(task: Task, person: str, look: Look) -> bool:
    match look.filter:
        case Filter.MINE:
            return task.requester == person
        case Filter.CHANNEL:
            return bool(look.channel) and task.channel == look.channel
        case Filter.ALL:
            return True


def _part(task: Task, asking: Collection[int], person: str) -> Part:
    if task.id in asking and task.requester == person:
        return Part.ASKS
    match task.state:
        case State.RUNNING:
            return Part.RUNNING
        case State.QUEUED:
            return Part.QUEUED
        case State.HELD | State.WAITING:
            return Part.HELD
        case _:
            return Part.ENDED


def _end(task: Task) -> tuple[float, int]:
    return (task.finished_at.timestamp() if task.finished_at else 0.0, task.id)
