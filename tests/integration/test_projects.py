"""Projects that requests name: taken, refused with those there are, and inherited."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.console import Console, Misused
from bot.printing import PRINTERS
from dispatch.errors import NotAdmitted
from dispatch.means import ChannelMeans, Project, RunnerName
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE
from dispatch.scripts import Script
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.worker import LEASE
from tests.fakes.clock import FakeClock
from tests.integration.front_desk import FrontDesk, front_desk

PROJECTS = {name: Project(name, Path("/srv") / name) for name in ("payments", "wiki")}
TERMS = Terms(
    DEFAULT_TABLE,
    ZoneInfo("UTC"),
    projects=PROJECTS,
    channels={"C1": ChannelMeans(project="wiki")},
    scripts={"status": Script("status", ("true",))},
)


class Place:
    """A front desk on a store, with a command line beside it."""

    def __init__(self, store: Store, terms: Terms) -> None:
        self.store = store
        self.clock = FakeClock()
        self.desk: FrontDesk = front_desk(store, self.clock, terms)
        self.console = Console(self.desk.dispatcher, self.desk.books, self.clock, 5, terms.zone, store)

    async def submit(self, key: str, channel: str = "C1", **more: object) -> Task:
        new = NewTask(key, Source.SLASH, "UANA00001", "words", 5, channel=channel, **more)  # type: ignore[arg-type]
        return (await self.desk.dispatcher.submit(new))[0]

    async def claim(self) -> Claim:
        now = self.clock.now()
        claim = await self.store.queue.claim(Tier.SONNET, Seating(9), now + LEASE, now)
        assert claim is not None
        return claim


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Place(store, TERMS)
    await store.close()


async def test_the_request_decides_before_the_channel(place: Place) -> None:
    assert (await place.submit("a", project="payments")).project == "payments"
    assert (await place.submit("b")).project == "wiki"
    assert (await place.submit("c", channel="C2")).project is None
    assert (await place.submit("d", script="status")).project is None


async def test_an_unknown_one_is_refused_and_nothing_is_queued(place: Place) -> None:
    with pytest.raises(NotAdmitted, match=r"no project `billing`\. Use `repo=payments`, `repo=wiki`"):
        await place.submit("a", project="billing")
    nowhere = front_desk(place.store, place.clock, replace(TERMS, projects={}, channels={}))
    with pytest.raises(NotAdmitted, match=r"nor any other here\. Leave `repo=` out"):
        await nowhere.dispatcher.submit(NewTask("b", Source.CLI, "cli:ana", "w", 5, project="billing"))
    assert await place.store.queue.open_tasks(9) == []


async def test_a_conversation_may_be_about_a_project(place: Place) -> None:
    task = await place.submit("a", project="payments")
    means = TERMS.means(task)
    assert (means.runner, means.project) == (RunnerName.MESSAGES, PROJECTS["payments"])


async def test_a_retry_and_a_follow_up_stay_on_the_project_of_their_task(place: Place) -> None:
    task = await place.submit("a", project="payments")
    claim = await place.claim()
    assert (await place.desk.dispatcher.follow_up(claim, "look again", None)).startswith("Queued as #2")
    assert (await place.store.queue.task(2)).project == "payments"
    cancelled = Outcome(Verdict.CANCELLED)
    await place.store.queue.settle(claim, cancelled, Settlement(State.CANCELLED), place.clock.now())
    assert (await place.desk.dispatcher.retry(task.id, "UANA00001")).project == "payments"
    await place.store.outbox.move_to(task.id, "D1", place.clock.now())
    moved = await place.store.queue.task(task.id)
    assert TERMS.means(moved).project == PROJECTS["payments"]


async def test_a_project_from_the_command_line_is_read_and_printed_like_any_other(place: Place) -> None:
    record = await place.console.ask("add", {"text": "repo=payments p3 raise the limit"})
    assert (record["project"], record["words"]) == ("payments", "raise the limit")
    shown = PRINTERS["show"](await place.console.ask("show", {"task": "1"}), TERMS.zone)
    assert "\nproject payments, p3 -> Opus, claude-opus-5-5, cap $10.00\n" in shown
    with pytest.raises(NotAdmitted, match="repo=payments"):
        await place.console.ask("add", {"text": "repo=billing x"})
    with pytest.raises(Misused, match="is not the name of a project"):
        await place.console.ask("add", {"text": "repo= x"})
