"""The work that a session leaves in its project. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Kept(StrEnum):
    """Where a session's work is: on its branch, at `origin` as well, not there because the push failed, or
    still in the session's own folder because git refused to commit it.
    """

    BRANCH = "branch"
    PUSHED = "pushed"
    UNPUSHED = "unpushed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Work:
    """What a session changed in its project: the branch that keeps it, and git's summary of it.

    `diffstat` has a line for each of the first files and ends with git's count of them all. What git
    refused to commit has none, and its branch is the one it was meant for. `diff` is the work line by line,
    empty where that is too much to tell.
    """

    branch: str
    diffstat: str
    kept: Kept = Kept.BRANCH
    diff: str = ""
