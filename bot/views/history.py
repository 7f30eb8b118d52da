"""All that has happened to a task, as mrkdwn of at most 3,900 characters. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from bot.slacktext import inline, neutralise
from bot.views.card import headline
from bot.views.message import TEXT_LIMIT, line
from bot.words import counted, passage
from dispatch.states import Step
from dispatch.task import Task

_NAME_LIMIT: Final = 80
_WHY_LIMIT: Final = 200
_ROOM: Final = 60


def history(task: Task, steps: Sequence[Step], names: Mapping[str, str], zone: ZoneInfo) -> str:
    """A line for each move, oldest first; where they are too many, the newest. Times are the `zone`'s."""
    head = f"*{headline(task)}*, {counted(len(steps), 'move')}"
    lines: list[str] = []
    left = TEXT_LIMIT - _ROOM - len(head)
    for step in reversed(steps):
        told = _line(step, names, zone)
        left -= len(told) + 1
        if left < 0:
            lines.append(f"… and {len(steps) - len(lines)} before that")
            break
        lines.append(told)
    return neutralise("\n".join([head, *reversed(lines)]))


def _line(step: Step, names: Mapping[str, str], zone: ZoneInfo) -> str:
    moved = passage(step.move.value, step.source, step.target)
    who = inline(names.get(step.actor, step.actor), _NAME_LIMIT)
    when = f"{step.at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
    return line([when, moved, who, inline(step.detail, _WHY_LIMIT)])
