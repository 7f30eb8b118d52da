"""The part of the settings that is about agents: projects, and how their sessions are shut in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dispatch.means import Beyond, Profile, Project, RunnerName


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
    """How agents are shut in: `none` lets them run, unprotected, on a machine that can make no jail."""

    isolation: Literal["jail", "none"] = "jail"


def projects(given: Mapping[str, ProjectSettings]) -> dict[str, Project]:
    """The projects by name."""
    return {
        name: Project(name, one.repo, one.runner, one.profile, one.setup, one.push, one.domains, one.beyond)
        for name, one in given.items()
    }
