"""Scripts in words: what may be run, who may, what one has said. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.fences import without_fence
from bot.grammar import Run, Submit, form
from bot.manual import SLASH, Way
from bot.slacktext import code, inline, visible
from bot.views.message import TEXT_LIMIT

_ABOUT_LIMIT: Final = 120
_NAME_LIMIT: Final = 80
_LISTED: Final = 20
_COPY_LIMIT: Final = 300


@dataclass(frozen=True, slots=True)
class Listed:
    """A script that may be run, and what it is about, in the team's words."""

    name: str
    about: str


def listing(scripts: Sequence[Listed], way: Way = SLASH) -> str:
    """The scripts one may run, a line each; empty where there are none."""
    if not scripts:
        return ""
    lines = [_line(script, way) for script in scripts[:_LISTED]]
    more = [f"… and {len(scripts) - _LISTED} more"] if len(scripts) > _LISTED else []
    return "\n".join(["*Scripts,* at no cost, as no model runs:", *lines, *more])


def _line(script: Listed, way: Way) -> str:
    about = inline(script.about, _ABOUT_LIMIT) if script.about else ""
    return f"`{way.task} run {script.name}` {about}".rstrip()


def with_scripts(help_text: str, scripts: Sequence[Listed]) -> str:
    """The help with the scripts one may run, as far as a message holds them."""
    told = listing(scripts)
    room = TEXT_LIMIT - len(help_text) - 2
    while len(told) > room and scripts:
        scripts = scripts[:-1]
        told = listing(scripts)
    return f"{help_text}\n\n{told}" if told else help_text


def unknown(asked: Run, scripts: Sequence[Listed], way: Way = SLASH) -> str:
    """Why there is nothing to run under that name, and what there is."""
    what = f"there is no script {code(asked.name, _NAME_LIMIT)}" if asked.name else "no script is named"
    as_task = code(form(Submit(asked.typed, priority=5)), _COPY_LIMIT, way.typed_task)
    words = f" Try {as_task} to make these words a task." if asked.name else ""
    there = listing(scripts, way) or "There is no script that you may run."
    return f"Not queued: {what}.{words}\n{there}"


def said(text: str) -> str:
    """What a command has said, as one code block that nothing in it can end."""
    lines = visible(text).strip("\n").split("\n")
    return "\n".join(["```", *map(without_fence, lines), "```"])


def answered(text: str) -> str:
    """The answer of a command that ended well."""
    return said(text) if visible(text).strip() else "It ended well and said nothing."
