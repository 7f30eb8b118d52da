"""A request that names its project, from the words typed to the branch named, on the whole bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from dispatch.diagnosis import SessionFacts
from dispatch.ports import Session
from dispatch.runners.placed import Placed
from dispatch.seats.local import LocalSeats
from tests.incidents.facts import ANSWERED
from tests.incidents.house import House, opened
from tests.integration.test_worktrees import git, repo

PAYMENTS = "CPAY00001"


def change(session: Session) -> SessionFacts:
    """An agent that raises a limit."""
    assert session.place is not None
    (session.place.path / "queue.py").write_text(f"limit = {7 + session.task_id}\n")
    return ANSWERED


@asynccontextmanager
async def agents(repo: Path, **sections: Any) -> AsyncIterator[House]:
    """A house whose sessions are agents on the project `payments`."""
    project = {"repo": repo, "runner": "claude-code"}
    async with opened(change, projects={"payments": project}, **sections) as house:
        assert house.runner is not None
        house.building.worker._sessions._seats = LocalSeats(Placed(house.runner, house.building.worktrees))
        yield house


def told(house: House, number: int) -> str:
    """All that the thread of a task was told."""
    (card,) = [post for post in house.posts("card") if post.text.startswith(f"#{number} · ")]
    return "\n".join(house.replies(card))


async def stopped_in_the_middle(house: House, words: str) -> None:
    """Task 2 changes a file, and is cancelled before its end."""
    assert house.runner is not None
    house.runner.gate.clear()
    await house.slash("ana", words)
    (files,) = (house.settings.agents_folder / "places").glob("payments-2-1/files")
    (files / "queue.py").write_text("limit = 99\n")
    assert await house.slash("ana", "cancel 2") == "Stopping #2. What it has cost until then counts."
    await house.settle()


async def test_a_named_project_is_worked_on_and_each_branch_is_named(repo: Path) -> None:
    async with agents(repo) as house:
        refused = await house.slash("ana", "p3 repo=billing raise the limit")
        assert refused == (
            "Not queued: there is no project `billing`. Use `repo=payments`, or leave `repo=` out."
        )
        queued = await house.slash("ana", "p3 repo=payments raise the limit")
        assert queued.startswith("Queued as #1 · p3 · Opus · payments · ")
        await house.settle()
        assert "#1 · p3 · Opus · payments · done" in house.card(1)
        assert "answer in the thread · work on `onequeue/1`" in house.card(1)
        assert "on branch `onequeue/1` in the repository of payments; nothing was pushed." in told(house, 1)
        assert "queue.py | 2 +-\n1 file changed" in told(house, 1)
        assert git(repo, "show", "onequeue/1:queue.py") == "limit = 8"

        await stopped_in_the_middle(house, "p3 repo=payments raise it again")
        assert "#2 · p3 · Opus · payments · cancelled" in house.card(2)
        assert "work on `onequeue/2`" in house.card(2)
        assert "#2 was cancelled" in told(house, 2)
        assert "on branch `onequeue/2` in the repository of payments" in told(house, 2)
        assert git(repo, "show", "onequeue/2:queue.py") == "limit = 99"
        assert "· payments · cancelled" in await house.slash("ana", "show 2")


async def test_a_quiet_channel_sees_neither_the_project_nor_a_file(repo: Path) -> None:
    quiet = {PAYMENTS: {"project": "payments", "quiet": True}}
    async with agents(repo, channels=quiet) as house:
        queued = await house.slash("ana", "p3 raise the limit")
        assert queued.startswith("Queued as #1 · p3 · Opus · payments · ")
        await house.settle()
        await stopped_in_the_middle(house, "p3 raise it again")
        for number, state in ((1, "done"), (2, "cancelled")):
            shown = house.card(number) + told(house, number)
            assert f"#{number} · p3 · Opus · {state}" in shown
            assert f"on branch `onequeue/{number}` in the repository; nothing was pushed." in shown
            assert "1 file changed" in shown
            assert [name for name in ("payments", "queue.py") if name in shown] == []
            assert "payments" in await house.slash("ana", f"show {number}"), "that is for one person"


async def test_without_projects_one_that_is_named_is_refused_with_what_to_do() -> None:
    async with opened() as house:
        refused = await house.slash("ana", "repo=payments raise the limit")
        assert refused == (
            "Not queued: there is no project `payments`, nor any other here. Leave `repo=` out, or have an "
            "operator set it up under [projects.payments]."
        )


__all__ = ["repo"]
