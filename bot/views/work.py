"""What a session changed in its project, as people are told. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from bot.slacktext import code, escape, inline
from bot.views.message import line
from dispatch.task import Attempt, Task
from dispatch.work import Kept, Work

_BRANCH_LIMIT: Final = 120
_DIFFSTAT_LIMIT: Final = 1_200
_NAMED: Final = 3
_COUNT = re.compile(r"[0-9]+ files? changed[^|]*")
_BRIEFLY: Final = {
    Kept.BRANCH: "",
    Kept.PUSHED: ", pushed",
    Kept.UNPUSHED: ", push failed",
    Kept.REFUSED: ", refused by git",
}


def counted_files(work: Work) -> str:
    """Git's count at the end of its summary, `2 files changed, 3 insertions(+)`; empty where it has none."""
    last = work.diffstat.rsplit("\n", 1)[-1].strip()
    return last if _COUNT.fullmatch(last) else ""


def branches(attempts: Sequence[Attempt]) -> str:
    """The branches that a task's attempts left, the newest of many, for a line; empty without any."""
    works = [attempt.work for attempt in attempts if attempt.work]
    named = [f"{code(work.branch, _BRANCH_LIMIT)}{_BRIEFLY[work.kept]}" for work in works[-_NAMED:]]
    more = [f"{len(works) - _NAMED} earlier"] if len(works) > _NAMED else []
    return f"work on {'; '.join([*more, *named])}" if works else ""


def in_short(work: Work) -> str:
    """The branch and how much is on it, for a line."""
    return line([f"work on {code(work.branch, _BRANCH_LIMIT)}{_BRIEFLY[work.kept]}", counted_files(work)])


def whereabouts(task: Task, work: Work) -> str:
    """Where the work is and whether it was pushed, in a sentence."""
    branch = code(work.branch, _BRANCH_LIMIT)
    of = f" of {inline(task.project, _BRANCH_LIMIT)}" if task.project else ""
    match work.kept:
        case Kept.BRANCH:
            return f"Its changes are on branch {branch} in the repository{of}; nothing was pushed."
        case Kept.PUSHED:
            return f"Its changes are on branch {branch}{of}, pushed to `origin`."
        case Kept.UNPUSHED:
            return (
                f"Its changes are on branch {branch} in the repository{of}. Pushing it to `origin` failed: "
                "the log says why."
            )
        case Kept.REFUSED:
            return (
                f"Git refused to commit its changes to branch {branch}{of}: the files stay where they are, "
                "and the next start tries again. The log says why."
            )


def work_told(task: Task, work: Work) -> str:
    """Where the work is, and what was changed, for a section of its own."""
    lines = [_safe(one) for one in work.diffstat.split("\n") if one.strip()]
    where = whereabouts(task, work)
    return "\n".join([where, "```", *_fitted(lines), "```"]) if lines else where


def _fitted(lines: Sequence[str]) -> list[str]:
    """As many of the first lines as there is room for, and the last one, with the count of all files."""
    *files, count = lines
    room, kept = _DIFFSTAT_LIMIT - len(count), list[str]()
    for file in files:
        room -= len(file) + 1
        if room < 0:
            return [*kept, "…", count]
        kept.append(file)
    return [*kept, count]


def _safe(diffstat_line: str) -> str:
    """A line of git's summary that ends no code block, without the space that git puts in front."""
    return escape(diffstat_line.removeprefix(" ").replace("`", "ˋ"))
