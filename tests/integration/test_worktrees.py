"""Worktrees on a real repository: made, kept as branches, and swept after a kill."""

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dispatch.errors import NoPlace
from dispatch.faults import Fault, FaultKind
from dispatch.means import Means, Profile, Project, RunnerName
from dispatch.places import Worktrees
from dispatch.places.worktrees import DIFF_LINES, DIFF_SIZE
from dispatch.ports import Access, Draft, Session
from dispatch.runners.choice import Choice
from dispatch.runners.placed import Placed
from dispatch.task import Claim, Outcome, Verdict
from dispatch.work import Kept, Work
from tests.fakes.runner import FakeRunner
from tests.fakes.setups import FakeSetups
from tests.fakes.values import NOON, make_task
from tests.integration.gateway_room import open_session
from tests.integration.processes import until

BRANCH = "onequeue/1"


class Noted:
    """Hears of the work that a sweep keeps."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, Work]] = []

    async def __call__(self, task_id: int, attempt: int, work: Work) -> None:
        self.told.append((task_id, attempt, work))


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ana", "-c", "user.email=ana@example.com")
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "payments"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "queue.py").write_text("limit = 1\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


@pytest.fixture
def places(tmp_path: Path) -> Worktrees:
    return Worktrees(tmp_path / "places", FakeSetups())


@pytest.fixture
def noted() -> Noted:
    return Noted()


def session_on(project: Project | None, attempt: int = 1) -> Session:
    claim = Claim(make_task(priority=9), attempt, NOON, 1_000_000)
    opened = open_session(claim, Access("http://127.0.0.1:9", "oq-1-1-secret", ()))
    return replace(opened, means=Means(RunnerName.CLAUDE_CODE, Profile.EDIT, project), draft=Draft())


async def test_work_is_kept_as_a_branch_and_nothing_else_is_left(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        assert place.repo == repo / ".git"
        (place.path / "queue.py").write_text("limit = 8\n")
        (place.path / "new.py").write_text("x = 1\n")
        (place.path / "noise.log").write_text("noise\n")
    assert session.draft.work is not None
    assert session.draft.work.branch == BRANCH
    assert "2 files changed" in session.draft.work.diffstat
    assert "\n+limit = 8\n" in session.draft.work.diff
    assert "\n+x = 1\n" in session.draft.work.diff
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"
    assert git(repo, "log", "-1", "--format=%an %s", BRANCH) == "Onequeue Work of #1"
    assert "noise.log" not in git(repo, "ls-tree", "--name-only", BRANCH)
    assert git(repo, "status", "--porcelain") == ""
    assert list((tmp_path / "places").iterdir()) == []
    assert len(git(repo, "worktree", "list").splitlines()) == 1


async def test_without_a_change_no_branch_is_left(repo: Path, places: Worktrees) -> None:
    session = session_on(Project("payments", repo))
    async with places.open(session):
        assert BRANCH in git(repo, "branch", "--list", BRANCH)
    assert session.draft.work is None
    assert git(repo, "branch", "--list", BRANCH) == ""


async def test_an_earlier_branch_of_the_task_is_not_touched(repo: Path, places: Worktrees) -> None:
    for attempt, branch in ((1, BRANCH), (2, f"{BRANCH}-2"), (2, f"{BRANCH}-3")):
        session = session_on(Project("payments", repo), attempt)
        async with places.open(session) as place:
            (place.path / "queue.py").write_text(f"limit = {branch}\n")
        assert session.draft.work is not None
        assert session.draft.work.branch == branch


async def test_a_place_is_set_up_before_it_is_given(repo: Path, tmp_path: Path) -> None:
    setups = FakeSetups()
    async with Worktrees(tmp_path / "places", setups).open(
        session_on(Project("payments", repo, setup="make deps"))
    ) as place:
        assert setups.runs == [("make deps", place)]


async def test_a_setup_that_fails_ends_the_task_with_its_words(repo: Path, tmp_path: Path) -> None:
    runner = Placed(FakeRunner(), Worktrees(tmp_path / "places", FakeSetups(fails="no such lock")))
    outcome = await runner.run(session_on(Project("payments", repo, setup="make deps")))
    assert outcome.fault == Fault(FaultKind.SCRIPT, "no such lock")
    assert list((tmp_path / "places").iterdir()) == []


async def test_what_keeps_every_place_from_being_made_is_a_fault_of_the_runtime(
    repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "places").write_text("in the way")
    runner = Placed(FakeRunner(), Worktrees(tmp_path / "places", FakeSetups()))
    outcome = await runner.run(session_on(Project("payments", repo)))
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.RUNTIME
    assert "no folder for a worktree" in outcome.fault.detail


async def test_a_repository_that_is_none_is_named(places: Worktrees, tmp_path: Path) -> None:
    with pytest.raises(NoPlace, match="no git repository"):
        async with places.open(session_on(Project("payments", tmp_path))):
            pass


async def test_kept_work_is_pushed_where_that_is_wanted(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(repo, "remote", "add", "origin", str(origin))
    for number, push, kept in ((1, False, Kept.BRANCH), (2, True, Kept.PUSHED)):
        session = session_on(Project("payments", repo, push=push), number)
        async with places.open(session) as place:
            (place.path / "queue.py").write_text(f"limit = {7 + number}\n")
        assert bool(git(origin, "branch", "--list")) is push
        assert session.draft.work is not None
        assert session.draft.work.kept is kept


async def test_a_push_that_fails_is_said_and_loses_nothing(repo: Path, places: Worktrees) -> None:
    session = session_on(Project("payments", repo, push=True))
    async with places.open(session) as place:
        (place.path / "queue.py").write_text("limit = 8\n")
    assert session.draft.work is not None
    assert (session.draft.work.branch, session.draft.work.kept) == (BRANCH, Kept.UNPUSHED)
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"


async def test_the_summary_of_much_work_names_some_files_and_counts_all(
    repo: Path, places: Worktrees
) -> None:
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        for number in range(60):
            (place.path / f"{number:02}-{'long' * 30}.py").write_text("x = 1\n")
    assert session.draft.work is not None
    lines = session.draft.work.diffstat.split("\n")
    assert len(lines) <= 22
    assert lines[-1].strip() == "60 files changed, 60 insertions(+)"
    assert len(session.draft.work.diffstat) < 2_000


@pytest.mark.parametrize("much", ["x = 1\n" * (DIFF_LINES + 1), "y" * DIFF_SIZE])
async def test_too_much_work_is_not_told_line_by_line(repo: Path, places: Worktrees, much: str) -> None:
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        (place.path / "new.py").write_text(much)
    assert session.draft.work is not None
    assert "1 file changed" in session.draft.work.diffstat
    assert session.draft.work.diff == ""


def _hook(place: Path, marker: Path) -> None:
    """What a session can do to the folder it has, to make git run something of its own."""
    (place / ".git").unlink()
    git(place, "init", "--quiet")
    git(place, "config", "core.fsmonitor", f"touch {marker}")
    hooks = place / ".git" / "hooks"
    for name in ("pre-commit", "post-commit", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)


def _nest(place: Path, marker: Path) -> None:
    nested = place / "nested"
    nested.mkdir()
    git(nested, "init", "--quiet")
    (nested / "x").write_text("x")
    git(nested, "add", "x")
    git(nested, "commit", "--quiet", "--message=x")
    git(nested, "config", "core.fsmonitor", f"touch {marker}")
    (nested / "x").write_text("y")


@pytest.mark.parametrize("trap", [_hook, _nest])
async def test_what_a_session_leaves_for_git_is_not_obeyed(
    repo: Path, places: Worktrees, tmp_path: Path, trap: Callable[[Path, Path], None]
) -> None:
    marker = tmp_path / "obeyed"
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        trap(place.path, marker)
        (place.path / "queue.py").write_text("limit = 8\n")
    assert not marker.exists()
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"


async def test_a_killed_onequeue_leaves_work_that_the_next_start_keeps(
    repo: Path, places: Worktrees, tmp_path: Path, noted: Noted
) -> None:
    opening = places.open(session_on(Project("payments", repo)))
    place = await opening.__aenter__()
    (place.path / "queue.py").write_text("limit = 8\n")
    (tmp_path / "places" / "payments-9-1").mkdir()
    assert await Worktrees(tmp_path / "places", FakeSetups()).sweep(noted) == 2
    assert [(task, attempt, work.branch, work.kept) for task, attempt, work in noted.told] == [
        (1, 1, BRANCH, Kept.BRANCH)
    ]
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"
    assert list((tmp_path / "places").iterdir()) == []


async def test_work_that_git_does_not_take_stays_and_is_named(
    repo: Path, places: Worktrees, tmp_path: Path, noted: Noted
) -> None:
    lock = repo / ".git" / "refs" / "heads" / "onequeue" / "1.lock"
    session = session_on(Project("payments", repo))
    async with places.open(session) as place:
        (place.path / "queue.py").write_text("limit = 8\n")
        lock.touch()
    assert session.draft.work == Work(BRANCH, "", Kept.REFUSED)
    (home,) = (tmp_path / "places").iterdir()
    assert (home / "files" / "queue.py").read_text() == "limit = 8\n"
    lock.unlink()
    assert await places.sweep(noted) == 1
    assert git(repo, "show", f"{BRANCH}:queue.py") == "limit = 8"
    ((task, attempt, work),) = noted.told
    assert (task, attempt, work.branch, work.kept) == (1, 1, BRANCH, Kept.BRANCH)
    assert "queue.py | 2 +-" in work.diffstat


async def test_a_wall_clock_that_ends_while_work_is_pushed_costs_no_answer(
    repo: Path, places: Worktrees, tmp_path: Path
) -> None:
    origin, hook = tmp_path / "origin.git", tmp_path / "origin.git" / "hooks" / "pre-receive"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(repo, "remote", "add", "origin", str(origin))
    hook.write_text(
        f"#!/bin/sh\ntouch {tmp_path}/pushing\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.1; done\n"
    )
    hook.chmod(0o755)
    session = session_on(Project("payments", repo, push=True))
    running = asyncio.create_task(Placed(Writer(), places).run(session))
    await until((tmp_path / "pushing").exists)
    running.cancel()
    (tmp_path / "go").touch()
    await asyncio.gather(running, return_exceptions=True)
    outcome = session.draft.ended
    assert outcome is not None
    assert outcome.verdict is Verdict.ANSWERED
    assert outcome.work is not None
    assert outcome.work.kept is Kept.PUSHED


class Writer(FakeRunner):
    """Changes a file, and answers."""

    async def run(self, session: Session) -> Outcome:
        assert session.place is not None
        (session.place.path / "queue.py").write_text("limit = 8\n")
        return await super().run(session)


async def test_an_outcome_has_the_work_that_was_kept(repo: Path, places: Worktrees) -> None:
    session = session_on(Project("payments", repo))
    runner = Choice({RunnerName.CLAUDE_CODE: Placed(Writer(), places)})
    outcome = await runner.run(session)
    assert outcome.verdict is Verdict.ANSWERED
    assert outcome.work is not None
    assert outcome.work.branch == BRANCH
