"""A worktree whose Onequeue is killed: at any step, nothing of the work is lost and none is made up."""

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from dispatch.means import Project
from dispatch.places import Worktrees
from tests.fakes.setups import FakeSetups
from tests.integration.test_worktrees import BRANCH, Noted, git, places, repo, session_on
from tests.integration.test_worktrees_again import paused

__all__ = ["places", "repo"]

KILLED = -9
EACH = 10
"""Each case takes every tenth step, so that none of them takes long."""


def run_killed(folder: Path, repo: Path, step: int, record: str) -> bool:
    """Runs a session that goes on in its own process, killed before that step. Whether it was."""
    program = [
        sys.executable,
        "-m",
        "tests.integration.killed_place",
        str(folder),
        str(repo),
        str(step),
        record,
    ]
    ended = subprocess.run(program, check=False, capture_output=True, text=True)
    assert ended.returncode in (0, KILLED), ended.stderr
    return ended.returncode == KILLED


@pytest.mark.long
@pytest.mark.parametrize("first", range(1, EACH + 1))
async def test_a_kill_at_any_step_loses_and_invents_nothing(
    repo: Path, places: Worktrees, tmp_path: Path, first: int
) -> None:
    (repo / "kept").mkdir()
    for number in range(3):
        (repo / "kept" / f"{number}.py").write_text("x = 1\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "--message=more")
    record, path, _ = await paused(repo, places, "limit = 8\n")
    begun = git(repo, "rev-parse", BRANCH)
    for step in count(first, EACH):
        git(repo, "branch", "--force", BRANCH, begun)
        killed = run_killed(tmp_path / "places", repo, step, record)
        (noted, again) = Noted(), Worktrees(tmp_path / "places", FakeSetups())
        await again.sweep(noted)
        assert list((tmp_path / "places").iterdir()) == []
        left = git(repo, "show", f"{BRANCH}:queue.py")
        assert left in ("limit = 8", "limit = 9"), step
        assert git(repo, "diff", "--name-only", begun, BRANCH) in ("", "queue.py"), step
        assert all(work.branch == BRANCH and "queue.py" in work.diffstat for _, _, work in noted.told), step
        async with again.open(session_on(Project("payments", repo), 3), record) as place:
            assert place.path == path
            assert (place.path / "queue.py").read_text().strip() == left
            assert (place.path / "kept" / "2.py").exists()
        assert git(repo, "branch", "--format=%(refname:short)").split() == ["main", BRANCH], step
        assert len(git(repo, "worktree", "list").splitlines()) == 1, step
        if not killed:
            break
    assert left == "limit = 9"
    assert step > 20


async def test_a_lock_that_a_killed_git_has_left_is_in_nobodys_way(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    opening = places.open(session_on(Project("payments", repo)))
    place = await opening.__aenter__()
    (place.path / "queue.py").write_text("limit = 8\n")
    (repo / ".git" / "worktrees" / "files" / "index.lock").touch()
    await Worktrees(tmp_path / "places", FakeSetups()).sweep(Noted())
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"
    assert list((tmp_path / "places").iterdir()) == []


async def test_what_lies_in_repositories_of_the_sessions_own_is_kept(repo: Path, places: Worktrees) -> None:
    async with places.open(session_on(Project("payments", repo))) as place:
        for name in ("empty", "deep/full"):
            nested = place.path / name
            nested.mkdir(parents=True)
            git(nested, "init", "--quiet")
            (nested / "x.py").write_text("x = 1\n")
        git(nested, "add", "x.py")
        git(nested, "commit", "--quiet", "--message=x")
    assert git(repo, "show", f"{BRANCH}:empty/x.py") == "x = 1"
    assert git(repo, "show", f"{BRANCH}:deep/full/x.py") == "x = 1"


async def test_the_projects_own_submodules_stay_what_they_are(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "library")
    (tmp_path / "library" / "y.py").write_text("y = 1\n")
    git(tmp_path / "library", "add", "--all")
    git(tmp_path / "library", "commit", "--quiet", "--message=y")
    clone = (
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "library"),
        "lib",
    )
    git(repo, *clone)
    git(repo, "commit", "--quiet", "--message=with a library")
    link = git(repo, "ls-tree", "HEAD", "lib")
    async with places.open(session_on(Project("payments", repo))) as place:
        git(place.path, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
        assert (place.path / "lib" / "y.py").exists()
        (place.path / "queue.py").write_text("limit = 8\n")
    assert git(repo, "ls-tree", BRANCH, "lib") == link
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"
