"""A git worktree and a branch for each session on a project."""

import asyncio
import json
import logging
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from dispatch.closing import finished
from dispatch.errors import NoPlace, Unreachable
from dispatch.means import Project
from dispatch.places.git import Failed, git, repository
from dispatch.places.nested import open_up
from dispatch.places.spot import Spot, spot_of
from dispatch.ports import Place, Session, Setups
from dispatch.removal import remove
from dispatch.work import Kept, Work

DIFFSTAT = ("--stat=72", "--stat-count=20")
"""How wide git's summary of the work is, and how many files it names."""

DIFF = ("--no-color", "--no-ext-diff", "--no-textconv")
"""How the work is told line by line."""

DIFF_LINES, DIFF_SIZE = 5_000, 60_000
"""Changed lines and characters of the most work that is told line by line."""

Noted = Callable[[int, int, Work], Awaitable[None]]
"""Told of the work of a task's attempt."""

_CHANGED = re.compile(r"([0-9]+) (?:insertion|deletion)")
_FILES, _TAKEN, _RECORD = "files", "taken", "record.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Tree:
    """A worktree in `home`: the repository behind it, git's own notes on it, its branch and first commit.

    `attempt` is the task's attempt that works in it.
    """

    home: Path
    repo: Path
    notes: Path
    branch: str
    began: str
    task_id: int
    attempt: int

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
        self._left: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def open(self, session: Session, record: str = "") -> AsyncIterator[Place]:
        """A worktree on a new branch, set up. What was changed in it is committed there at the end.

        With the `record` of an earlier one it is at the same path and on the same branch.
        """
        project = session.means.project
        if project is None:
            raise NoPlace("The session has no project.")
        spot = spot_of(record, session.task_id, project.name)
        async with self._alone(spot.home if spot else _fresh(session, project)):
            tree = await self._add(session, project, spot)
            try:
                place = Place(tree.path, tree.repo, Spot(tree.home.name, tree.branch, tree.began).record)
                await self._setups.run(project, place)
                yield place
            finally:
                await finished(_close(tree, session, project))

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Waits until an earlier session, which may have lost its lease, has left that place."""
        while other := self._left.get(name):
            await other.wait()
        left = self._left[name] = asyncio.Event()
        try:
            yield
        finally:
            del self._left[name]
            left.set()

    async def sweep(self, noted: Noted) -> int:
        """Keeps the work and removes the worktrees that a killed Onequeue left. How many. For the start.

        `noted` is told of the work of each attempt.
        """
        left = sorted(self._folder.iterdir()) if self._folder.exists() else []
        for home in left:
            tree = _recorded(home)
            if tree is None:
                await asyncio.to_thread(remove, home)
            elif work := await _keep(tree, f"Work of {home.name}, cut short"):
                _log.warning("%s keeps what a session had done when Onequeue was killed", tree.branch)
                await noted(tree.task_id, tree.attempt, work)
        return len(left)

    async def _add(self, session: Session, project: Project, spot: Spot | None) -> _Tree:
        repo = await repository(project.repo)
        async with self._adding:
            try:
                home = await self._cleared(session, project, repo, spot)
                await asyncio.to_thread(home.mkdir, mode=0o700, parents=True)
                began = spot.began if spot else await git("rev-parse", "HEAD", folder=project.repo)
                branch = await _check_out(project.repo, repo, session, spot, home / _FILES, began)
                notes = await git("rev-parse", "--path-format=absolute", "--git-dir", folder=home / _FILES)
            except Failed as error:
                raise NoPlace(f"{project.name} gives no worktree: {error}") from error
            except OSError as error:
                raise Unreachable(f"no folder for a worktree: {error.strerror}") from error
        tree = _Tree(home, repo, Path(notes), branch, began, session.task_id, session.attempt)
        (home / _RECORD).write_text(json.dumps(asdict(tree), default=str))
        return tree

    async def _cleared(self, session: Session, project: Project, repo: Path, spot: Spot | None) -> Path:
        """Where the place is to be: free of what an earlier session, or a kill, has left there.

        It is another one than the spot's where work is there that git still refuses.
        """
        if spot is None:
            return self._folder / _fresh(session, project)
        home = self._folder / spot.home
        tree = _recorded(home)
        if tree is None:
            await asyncio.to_thread(remove, home)
        elif (work := await _keep(tree, f"Work of {home.name}, kept later")) and work.kept is Kept.REFUSED:
            return self._folder / _fresh(session, project)
        await asyncio.to_thread(_forget, repo, home / _FILES)
        return home


async def _check_out(
    project: Path, repo: Path, session: Session, spot: Spot | None, files: Path, began: str
) -> str:
    """Makes the worktree; its branch: the one of the spot, else a new one. Raises Failed, Unreachable."""
    add = ("worktree", "add", "--quiet")
    branches = await _branches(repo)
    if spot is None or spot.branch not in branches:
        branch = _free_branch(branches, session) if spot is None else spot.branch
        await git(*add, "-b", branch, str(files), began, folder=project)
        return branch
    try:
        await git(*add, str(files), spot.branch, folder=project)
    except Failed:
        # Somebody may have it checked out: the work goes on beside it, from the same commit.
        branch = _free_branch(branches, session)
        await git(*add, "-b", branch, str(files), spot.branch, folder=project)
        return branch
    return spot.branch


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
        work = await (_taken(tree, message) if tree.path.exists() else _taken_before(tree))
    except (Failed, Unreachable, OSError) as error:
        _log.error("the work in %s could not be kept: %s", tree.path, error)
        return Work(tree.branch, "", Kept.REFUSED)
    for folder in (tree.home / _TAKEN, tree.notes):
        await asyncio.to_thread(remove, folder)
    if work is None:
        await _drop(tree)
    await asyncio.to_thread(remove, tree.home)
    return work


async def _taken(tree: _Tree, message: str) -> Work | None:
    """Commits the work and says what it is. Only then the files are put aside, whole, to be removed.

    So a kill never makes the removal of files a part of the work. Raises Failed, Unreachable, OSError.
    """
    # A killed git leaves its lock, and nobody else works with these notes.
    (tree.notes / "index.lock").unlink(missing_ok=True)
    await open_up(tree.path, tree.git)
    await tree.git("add", "--all")
    if await tree.git("diff", "--cached", "--name-only"):
        await tree.git("commit", "--quiet", "--no-verify", f"--message={message}")
    work = await _described(tree, "HEAD", tree.git)
    tree.path.rename(tree.home / _TAKEN)
    return work


async def _taken_before(tree: _Tree) -> Work | None:
    """What the work is that is on its branch already. Raises Failed, Unreachable."""
    if tree.branch not in await _branches(tree.repo):
        return None
    return await _described(tree, tree.branch, partial(git, folder=tree.repo))


async def _described(tree: _Tree, last: str, told: Callable[..., Awaitable[str]]) -> Work | None:
    """The work between its first commit and the `last`, as git tells it; None where there is none."""
    diffstat = await told("diff", *DIFFSTAT, "--no-ext-diff", tree.began, last)
    if not diffstat:
        return None
    changed = sum(map(int, _CHANGED.findall(diffstat.rsplit("\n", 1)[-1])))
    if not 0 < changed <= DIFF_LINES:
        return Work(tree.branch, diffstat)
    try:
        diff = await told("diff", *DIFF, tree.began, last)
    except (Failed, Unreachable) as error:
        _log.warning("the work on %s is not told line by line: %s", tree.branch, error)
        return Work(tree.branch, diffstat)
    return Work(tree.branch, diffstat, diff=f"{diff}\n" if len(diff) < DIFF_SIZE else "")


async def _drop(tree: _Tree) -> None:
    """Removes the branch, on which there is nothing."""
    try:
        if tree.branch in await _branches(tree.repo):
            await git("branch", "--quiet", "-D", tree.branch, folder=tree.repo)
    except (Failed, Unreachable) as error:
        _log.error("the empty branch %s could not be removed: %s", tree.branch, error)


async def _branches(repo: Path) -> set[str]:
    return set((await git("branch", "--format=%(refname:short)", folder=repo)).split())


def _forget(repo: Path, files: Path) -> None:
    """Removes git's notes on a worktree that is not there any more: it would let none be made there."""
    for noted in (repo / "worktrees").glob("*/gitdir"):
        named = noted.parent / os.fsdecode(noted.read_bytes()).strip()
        if named.parent.resolve() == files.resolve():
            remove(noted.parent)


def _fresh(session: Session, project: Project) -> str:
    return f"{project.name}-{session.task_id}-{session.attempt}"


def _free_branch(taken: set[str], session: Session) -> str:
    first = f"onequeue/{session.task_id}"
    later = (f"{first}-{number}" for number in count(max(2, session.attempt)))
    return first if first not in taken else next(name for name in later if name not in taken)


def _recorded(home: Path) -> _Tree | None:
    try:
        noted = json.loads((home / _RECORD).read_text())
        folders = {name: Path(noted[name]) for name in ("repo", "notes")}
        return _Tree(**{**noted, **folders, "home": home})
    except (OSError, ValueError, LookupError, TypeError):
        return None
