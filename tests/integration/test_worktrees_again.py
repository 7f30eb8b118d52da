"""A worktree that is made again for a session that goes on: same path, same branch, same work."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.means import Project
from dispatch.places import Worktrees
from dispatch.places.git import git as run_git
from dispatch.ports import Session
from dispatch.runners.placed import Placed
from dispatch.task import Outcome, Resumed, Verdict
from dispatch.work import Kept, Work
from tests.fakes.setups import FakeSetups
from tests.integration.test_worktrees import BRANCH, git, places, repo, session_on

__all__ = ["places", "repo"]


async def paused(repo: Path, places: Worktrees, words: str) -> tuple[str, Path, Session]:
    """A first session that has written those words, if any: the record of its place, its path, and itself."""
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        if words:
            (place.path / "queue.py").write_text(words)
    return place.record, place.path, session


async def test_it_has_the_work_that_was_left(repo: Path, places: Worktrees) -> None:
    record, path, _ = await paused(repo, places, "limit = 8\n")
    (repo / "queue.py").write_text("limit = 5\n")
    git(repo, "commit", "--quiet", "--all", "--message=meanwhile")
    later = session_on(Project("payments", repo), 2)
    async with places.open(later, record) as place:
        assert (place.path, place.record) == (path, record)
        assert (place.path / "queue.py").read_text() == "limit = 8\n"
        (place.path / "new.py").write_text("x = 1\n")
    assert later.draft.work is not None
    assert later.draft.work.branch == BRANCH
    assert "2 files changed" in later.draft.work.diffstat
    assert git(repo, "log", "--format=%s", BRANCH).splitlines() == ["Work of #1", "Work of #1", "first"]
    assert git(repo, "branch", "--format=%(refname:short)").splitlines() == ["main", BRANCH]


async def test_without_work_it_begins_where_it_began(repo: Path, places: Worktrees) -> None:
    record, path, _ = await paused(repo, places, "")
    (repo / "queue.py").write_text("limit = 5\n")
    git(repo, "commit", "--quiet", "--all", "--message=meanwhile")
    async with places.open(session_on(Project("payments", repo), 2), record) as place:
        assert place.path == path
        assert (place.path / "queue.py").read_text() == "limit = 1\n"
    assert git(repo, "branch", "--list", BRANCH) == ""


async def test_a_branch_that_a_person_has_checked_out_is_left_to_them(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    record, path, _ = await paused(repo, places, "limit = 8\n")
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "review"), BRANCH)
    later = session_on(Project("payments", repo), 2)
    async with places.open(later, record) as place:
        assert place.path == path
        assert (place.path / "queue.py").read_text() == "limit = 8\n"
        (place.path / "queue.py").write_text("limit = 9\n")
    assert later.draft.work is not None
    assert later.draft.work.branch == f"{BRANCH}-2"
    assert git(repo, "show", f"{BRANCH}-2:queue.py") == "limit = 9"
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"


async def test_it_is_made_again_only_when_the_session_before_has_left_it(
    repo: Path, places: Worktrees
) -> None:
    record, _, _ = await paused(repo, places, "limit = 8\n")
    entered = asyncio.Event()

    async def third() -> str:
        async with places.open(session_on(Project("payments", repo), 3), record) as place:
            entered.set()
            return (place.path / "queue.py").read_text()

    async with places.open(session_on(Project("payments", repo), 2), record) as place:
        following = asyncio.create_task(third())
        await time_for_git(repo)
        assert not entered.is_set()
        (place.path / "queue.py").write_text("limit = 9\n")
    assert await following == "limit = 9\n"


async def time_for_git(repo: Path) -> None:
    """Returns after as much work of git as making a worktree takes."""
    for _ in range(5):
        await run_git("status", folder=repo)


async def test_work_that_git_refused_is_tried_again_first(repo: Path, places: Worktrees) -> None:
    lock = repo / ".git" / "refs" / "heads" / "onequeue" / "1.lock"
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        (place.path / "queue.py").write_text("limit = 8\n")
        lock.touch()
    assert session.draft.work == Work(BRANCH, "", Kept.REFUSED)
    assert place.path.exists()
    lock.unlink()
    async with places.open(session_on(Project("payments", repo), 2), place.record) as again:
        assert (again.path / "queue.py").read_text() == "limit = 8\n"


async def test_work_that_git_refuses_again_is_left_and_the_session_goes_on_beside_it(
    repo: Path, places: Worktrees
) -> None:
    record, path, _ = await paused(repo, places, "limit = 8\n")
    lock = repo / ".git" / "refs" / "heads" / "onequeue" / "1.lock"
    refused = session_on(Project("payments", repo), 2)
    async with places.open(refused, record) as place:
        (place.path / "queue.py").write_text("limit = 9\n")
        lock.touch()
    third = session_on(Project("payments", repo), 3)
    async with places.open(third, place.record) as beside:
        assert beside.path != path
        assert (beside.path / "queue.py").read_text() == "limit = 8\n"
        (beside.path / "new.py").write_text("x = 1\n")
    assert (path / "queue.py").read_text() == "limit = 9\n"
    assert third.draft.work is not None
    assert (third.draft.work.branch, third.draft.work.kept) == (f"{BRANCH}-3", Kept.BRANCH)


@pytest.mark.parametrize("record", ["", "nonsense", '{"home": "../x", "branch": "main", "began": "HEAD"}'])
async def test_what_is_no_record_makes_a_fresh_place(repo: Path, places: Worktrees, record: str) -> None:
    async with places.open(session_on(Project("payments", repo), 2), record) as place:
        assert place.path.parent.name == "payments-1-2"


class Pausing:
    """A runner whose first session asks, and that remembers what it was resumed with."""

    def __init__(self) -> None:
        self.resumed: list[Resumed | None] = []

    async def run(self, session: Session) -> Outcome:
        self.resumed.append(session.resumed)
        assert session.place is not None
        (session.place.path / f"by-{session.attempt}.txt").touch()
        kept = None if session.resumed else b"what was said"
        return Outcome(Verdict.ASKED, conversation=kept)


async def test_a_conversation_is_kept_with_its_place(repo: Path, tmp_path: Path) -> None:
    inner = Pausing()
    runner = Placed(inner, Worktrees(tmp_path / "places", FakeSetups()))
    first = await runner.run(session_on(Project("payments", repo)))
    assert first.conversation is not None
    later = session_on(Project("payments", repo), 2)
    second = await runner.run(replace(later, resumed=Resumed(first.conversation, "refunds", allows=True)))
    assert inner.resumed == [None, Resumed(b"what was said", "refunds", allows=True)]
    assert second.work is not None
    assert second.work.branch == BRANCH
    assert set(git(repo, "ls-tree", "--name-only", BRANCH).split()) >= {"by-1.txt", "by-2.txt"}
    assert second.conversation is not None, "its place is kept even where what was said could not be"


async def test_a_conversation_of_another_kind_is_passed_on_as_it_is(repo: Path, tmp_path: Path) -> None:
    inner = Pausing()
    runner = Placed(inner, Worktrees(tmp_path / "places", FakeSetups()))
    kept = Resumed(b'{"messages": []}', "refunds")
    await runner.run(replace(session_on(Project("payments", repo)), resumed=kept))
    assert inner.resumed == [kept]
