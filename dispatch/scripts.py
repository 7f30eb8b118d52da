"""Scripts: commands of the team's settings that run as tasks, without a model and at no cost. Pure.

What people say beside a script's name reaches its command as data in the environment, never as an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from dispatch.task import Route, Tier

LASTS = timedelta(seconds=60)
"""How long a script may run unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Script:
    """A command: a program and its arguments, run without a shell, for so long at most.

    `again` says that it may run a second time by itself where nobody knows how far a lost attempt got.
    """

    name: str
    command: tuple[str, ...]
    wall_clock: timedelta = LASTS
    again: bool = False


def route(script: Script) -> Route:
    """The way of every task that runs it: no model, no money."""
    return Route(Tier.SCRIPT, "", f"script {script.name}", 0, script.again)


def environment(path: str, home: str, task_id: int, requester: str, words: str) -> Mapping[str, str]:
    """All that a script finds in its environment; the last three are data."""
    return {
        "PATH": path,
        "HOME": home,
        "LANG": "C.UTF-8",
        "TASK": str(task_id),
        "REQUESTER": _held(requester),
        "WORDS": _held(words),
    }


def _held(text: str) -> str:
    """The text as an environment can hold it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
