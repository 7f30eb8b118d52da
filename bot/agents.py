"""The part of the settings that is about agents: projects, how sessions are shut in, and how many sit."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dispatch.means import Beyond, Profile, Project, RunnerName
from dispatch.routing import Table, by_urgency
from dispatch.task import Tier

GIBIBYTE = 1024**3
_EACH_CORE = 2


class Section(BaseModel):
    """A part of the settings. What it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("use the whole path, from / on")
    return path


ProjectName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Domain = Annotated[str, Field(pattern=r"^(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")]


class ProjectSettings(Section):
    """A repository that tasks may work on: `setup` is run in each fresh worktree, kept branches are
    pushed where `push` says so, and its sessions reach the `domains` and nothing else.
    """

    repo: Annotated[Path, AfterValidator(_absolute)]
    runner: RunnerName | None = None
    profile: Profile | None = None
    beyond: Beyond | None = None
    setup: str = ""
    push: bool = False
    domains: tuple[Domain, ...] = ()


class ClaudeCodeSettings(Section):
    """How agents are shut in: `none` lets them run, unprotected, on a machine that can make no jail.

    `seats` are shared out among the tiers that agents run in; without it the machine decides how many.
    """

    isolation: Literal["jail", "none"] = "jail"
    seats: Annotated[int, Field(ge=1, le=256)] | None = None


def projects(given: Mapping[str, ProjectSettings]) -> dict[str, Project]:
    """The projects by name."""
    return {
        name: Project(name, one.repo, one.runner, one.profile, one.setup, one.push, one.domains, one.beyond)
        for name, one in given.items()
    }


def room(cores: int, memory_bytes: int) -> int:
    """How many agents a machine has room for: two for each core, and a GiB for each beside one for the rest.

    With more on a core their starts slow each other down: eight on two cores need 3 to 5 s where four need
    under 2. An agent itself holds 0.1 to 0.3 GiB; the rest is for the commands that it runs.
    """
    return max(1, min(_EACH_CORE * cores, memory_bytes // GIBIBYTE - 1))


def seated(table: Table, fixed: Collection[Tier], everywhere: bool, seats: int) -> Table:
    """The table with no more than so many seats in the tiers that agents run in, but one in each.

    That is every tier where `everywhere` is so, as channels and projects may ask for agents in any. The
    seats of `fixed` tiers are the team's own and stay; they count.
    """
    tiers = [tier for tier in by_urgency(table) if everywhere or table[tier].runner is RunnerName.CLAUDE_CODE]
    left = seats - sum(table[tier].seats for tier in tiers if tier in fixed)
    shares = _shared(left, {tier: table[tier].seats for tier in tiers if tier not in fixed})
    return {**table, **{tier: replace(table[tier], seats=share) for tier, share in shares.items()}}


def _shared(seats: int, wanted: Mapping[Tier, int]) -> dict[Tier, int]:
    """One for each, and the others in turns, the first named first, while there are any and any is wanted."""
    shares = dict.fromkeys(wanted, 1)
    while sum(shares.values()) < min(seats, sum(wanted.values())):
        shares[min(wanted, key=lambda tier: (shares[tier] >= wanted[tier], shares[tier]))] += 1
    return shares
