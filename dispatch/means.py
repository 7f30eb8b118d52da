"""What a session is given: the way it runs, its tools, and the project it works on. Pure; values only."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_NAMED = 20


class RunnerName(StrEnum):
    """A way to run a session: one conversation on the Messages API, or an agent with files and tools."""

    MESSAGES = "messages"
    CLAUDE_CODE = "claude-code"


class Profile(StrEnum):
    """What an agent may do to the files it is given: read them, edit them, or also run commands on them."""

    READ = "read"
    EDIT = "edit"
    FULL = "full"


class Beyond(StrEnum):
    """What becomes of what an agent's profile does not allow: it is refused, or people are asked."""

    REFUSE = "refuse"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Project:
    """A repository that tasks may work on.

    `setup` is a command run in each fresh worktree. `push` sends kept branches to the repository's
    `origin`. `domains` are the hosts its sessions may reach. `runner`, `profile` and `beyond` go before
    what the channel and the tier say.
    """

    name: str
    repo: Path
    runner: RunnerName | None = None
    profile: Profile | None = None
    setup: str = ""
    push: bool = False
    domains: tuple[str, ...] = ()
    beyond: Beyond | None = None


@dataclass(frozen=True, slots=True)
class ChannelMeans:
    """What tasks from one channel are given unless they say otherwise: a runner, and a project by name.

    In a `quiet` one, what everybody sees of a task names no project and no files.
    """

    runner: RunnerName | None = None
    project: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What one session is given."""

    runner: RunnerName = RunnerName.MESSAGES
    profile: Profile = Profile.READ
    project: Project | None = None
    beyond: Beyond = Beyond.REFUSE


def no_project(name: str, known: Iterable[str]) -> str:
    """Why a task cannot work on the project of that name, and what to do instead."""
    names = sorted(known)
    if not names:
        return (
            f"there is no project `{name}`, nor any other here. Leave `repo=` out, or have an operator set "
            f"it up under [projects.{name}]."
        )
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    there = ", ".join(f"`repo={one}`" for one in names[:_NAMED])
    return f"there is no project `{name}`. Use {there}{more}, or leave `repo=` out."
