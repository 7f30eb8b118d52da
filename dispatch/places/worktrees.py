"""A git worktree and a branch for each session on a project."""

import asyncio
import json
import logging
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from dispatch.errors import NoPlace, Unreachable
from dispatch.means import Project
from dispatch.places.git import Failed, git, repository
from dispatch.ports import Place, Session, Setups
from dispatch.task import Kept, Work

DIFFSTAT = ("--stat=72", "--stat-count=20")
"""How wide git's summary of the work is, and how many files it names."""

Noted = Callable[[int, int, Work], Awaitable[None]]
"""Told of the work of a task's attempt."""

_FILES, _RECORD = "files", "record.json"
_HOME = re.compile(r".+-([0-9]+)-([0-9]+)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A worktree in `home`: the repository behind it, git's own notes on it, its branch and first commit."""

    home: Path
    repo: Path
    notes: Path
    branch: str
    began: str

    @property
    def path(self) -> Path:
        """The files."""
        return self.home / _FILES

    async def git(self, *arguments: str) -> str:
        """Git on the files, told by us where everything is. Raises Failed, Unreachable."""
        where = (f"--git-dir={self.notes}", f"--work-tree={self.path}")
        return await git(*arguments, folder=self.path, where=where)


class Worktrees:
    """`ports.Places` in `folder`, with the branches in the projects' own repositories."""

    def __init__(self, folder: Path, setups: Setups) -> None:
        self._folder = folder
        self._setups = setups
        self._adding = asyncio.Lock()

    @asynccontextmanager
    async def open(self, session: Session) -> AsyncIterator[Place]:
        """A worktree on a new branch, set up. What was changed in it is committed there at the end."""
        project = session.means.project
        if project is None:
            raise NoPlace("The session has no project.")
        tree = await self._add(session, project)
        try:
            place = Place(tree.path, tree.repo)
            await self._setups.run(project, place)
            yield place
        finally:
            await _finished(asyncio.create_task(_close(tree, session, project)))

    async def sweep(self, noted: Noted) -> int:
        """Keeps the work and removes the worktrees that a killed Onequeue left. How many. For the start.

        `noted` is told of the work of each attempt.
        """
        left = sorted(self._folder.iterdir()) if self._folder.exists() else []
        for home in left:
            tree = _recorded(home)
            if tree is None:
                await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
            elif work := await _keep(tree, f"Work of {home.name}, cut short"):
                _log.warning("%s keeps what a session had done when Onequeue was killed", tree.branch)
                if named := _HOME.fullmatch(home.name):
                    await noted(int(named[1]), int(named[2]), work)
        return len(left)

    async def _add(self, session: Session, project: Project) -> _Tree:
        home = self._folder / f"{project.name}-{session.task_id}-{session.attempt}"
        repo = await repository(project.repo)
        async with self._adding:
            try:
                home.mkdir(mode=0o700, parents=True)
                branch = await _free_branch(repo, session)
                began = await git("rev-parse", "HEAD", folder=project.repo)
                files = str(home / _FILES)
                await git("worktree", "add", "--quiet", "-b", branch, files, began, folder=project.repo)
                notes = await git("rev-parse", "--path-format=absolute", "--git-dir", folder=home / _FILES)
            except Failed as error:
                raise NoPlace(f"{project.name} gives no worktree: {error}") from error
            except OSError as error:
                raise Unreachable(f"no folder for a worktree: {error.strerror}") from error
        tree = _Tree(home, repo, Path(notes), branch, began)
        record = {"repo": str(repo), "notes": notes, "branch": branch, "began": began}
        (home / _RECORD).write_text(json.dumps(record))
        return tree


async def _close(tree: _Tree, session: Session, project: Project) -> None:
    work = session.draft.work = await _keep(tree, f"Work of #{session.task_id}")
    if work is None or work.kept is Kept.REFUSED or not project.push:
        return
    try:
        await git("push", "--quiet", "origin", work.branch, folder=project.repo)
    except (Failed, Unreachable) as error:
        _log.error("%s is kept and could not be pushed: %s", work.branch, error)
        session.draft.work = replace(work, kept=Kept.UNPUSHED)
    else:
        session.draft.work = replace(work, kept=Kept.PUSHED)


async def _keep(tree: _Tree, message: str) -> Work | None:
    """The work on its branch, and the files gone; without any the branch goes too.

    Files that git does not take stay where they are, to be tried again at the next start.
    """
    try:
        await tree.git("add", "--all")
        if await tree.git("diff", "--cached", "--name-only"):
            await tree.git("commit", "--quiet", "--no-verify", f"--message={message}")
        diffstat = await tree.git("diff", *DIFFSTAT, "--no-ext-diff", tree.began, "HEAD")
    except (Failed, Unreachable) as error:
        _log.error("the work in %s could not be kept: %s", tree.path, error)
        return Work(tree.branch, "", Kept.REFUSED)
    for folder in (tree.path, tree.notes, tree.home):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if diffstat:
        return Work(tree.branch, diffstat)
    try:
        await git("branch", "--quiet", "-D", tree.branch, folder=tree.repo)
    except (Failed, Unreachable) as error:
        _log.error("the empty branch %s could not be removed: %s", tree.branch, error)
    return None


async def _free_branch(repo: Path, session: Session) -> str:
    taken = set((await git("branch", "--format=%(refname:short)", folder=repo)).split())
    first = f"onequeue/{session.task_id}"
    later = (f"{first}-{number}" for number in count(max(2, session.attempt)))
    return first if first not in taken else next(name for name in later if name not in taken)


def _recorded(home: Path) -> _Tree | None:
    try:
        record = json.loads((home / _RECORD).read_text())
    except (OSError, ValueError):
        return None
    return _Tree(home, Path(record["repo"]), Path(record["notes"]), record["branch"], record["began"])


async def _finished(work: "asyncio.Task[None]") -> None:
    """Returns when the work is done, even if cancelled meanwhile."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    work.result()
    if cancelled:
        raise asyncio.CancelledError
