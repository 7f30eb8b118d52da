"""What agents leave that did not come to their end, on a real repository: the branch is always named."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch.means import Project, RunnerName
from dispatch.places import Worktrees
from dispatch.policy import Seating
from dispatch.ports import Session
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.runners.placed import Placed
from dispatch.seats.local import LocalSeats
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Attempt, NewTask, Outcome, Source, Tier, Verdict
from dispatch.terms import Terms
from dispatch.work import Kept, Work
from dispatch.worker import LEASE, Worker
from tests.fakes.clock import FakeClock
from tests.fakes.runner import FakeRunner
from tests.fakes.setups import FakeSetups
from tests.integration.test_worktrees import git, repo
from tests.integration.work_room import FakeGateway, FakeNotifier, FakeQuotes

BRANCH = "onequeue/1"


class Writer(FakeRunner):
    """Changes a file, then does what it was told."""

    async def run(self, session: Session) -> Outcome:
        assert session.place is not None
        (session.place.path / "queue.py").write_text(f"limit = {7 + session.attempt}\n")
        return await super().run(session)


@dataclass
class Room:
    """A worker whose agents change a file of the project and then wait at `runner.gate`. One waits there."""

    store: Store
    worker: Worker
    runner: Writer
    clock: FakeClock
    worktrees: Worktrees
    repo: Path

    async def add(self) -> None:
        decided = route(6, None, None, DEFAULT_TABLE)
        new = NewTask("k", Source.SLASH, "U1", "raise it", 6, channel="C1", project="payments")
        await self.store.queue.enqueue(new, decided, self.clock.now())
        self.worker.wake()

    async def attempt(self, number: int) -> Attempt:
        return (await self.store.queue.attempts(1))[number - 1]

    async def keeps_its_work(self, number: int, verdict: Verdict) -> None:
        """Holds that the attempt ended so and that what it changed is where it says."""
        attempt = await self.attempt(number)
        assert attempt.verdict is verdict
        assert attempt.work is not None
        assert attempt.work.kept is Kept.BRANCH
        assert "queue.py | 2 +-" in attempt.work.diffstat
        assert git(self.repo, "show", f"{attempt.work.branch}:queue.py") == f"limit = {7 + number}"

    async def state(self) -> State:
        return (await self.store.queue.task(1)).state

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                await self.store.queue.counts()


@pytest.fixture
async def room(tmp_path: Path, repo: Path) -> AsyncIterator[Room]:
    store, clock = await Store.open(tmp_path / "onequeue.db"), FakeClock()
    table = dict(DEFAULT_TABLE)
    table[Tier.SONNET] = replace(table[Tier.SONNET], runner=RunnerName.CLAUDE_CODE)
    terms = Terms(table, ZoneInfo("UTC"), projects={"payments": Project("payments", repo)})
    runner, worktrees = Writer(), Worktrees(tmp_path / "places", FakeSetups())
    runner.gate.clear()
    worker = Worker(
        store.queue,
        store.gates,
        FakeGateway(),
        LocalSeats(Placed(runner, worktrees)),
        FakeQuotes(),
        FakeNotifier(),
        clock,
        terms,
        lambda: 0.5,
    )
    working = asyncio.create_task(worker.run())
    room = Room(store, worker, runner, clock, worktrees, repo)
    await room.add()
    await runner.started.acquire()
    yield room
    runner.gate.set()
    await worker.drain(timedelta(seconds=20))
    await working
    await store.close()


async def test_a_cancelled_task_names_its_branch(room: Room) -> None:
    await room.store.queue.cancel(1, "U1", room.clock.now())
    room.worker.interrupt(1)
    await room.until(lambda: room.worker.running == 0)
    assert await room.state() is State.CANCELLED
    await room.keeps_its_work(1, Verdict.CANCELLED)


async def test_one_that_is_stopped_names_it_and_the_next_attempt_has_its_own(room: Room) -> None:
    await room.worker.drain(timedelta(0))
    assert await room.state() is State.QUEUED
    await room.keeps_its_work(1, Verdict.LOST)
    room.runner.gate.set()
    now = room.clock.now()
    claim = await room.store.queue.claim(Tier.SONNET, Seating(4), now + LEASE, now)
    assert claim is not None
    await room.worker.run_one(claim)
    await room.keeps_its_work(1, Verdict.LOST)
    await room.keeps_its_work(2, Verdict.ANSWERED)
    assert (await room.attempt(1)).work != (await room.attempt(2)).work


async def test_one_that_lost_its_lease_names_it_although_it_may_end_nothing(room: Room) -> None:
    await room.store.queue.sweep(room.clock.now() + 2 * LEASE)
    room.clock.advance(LEASE / 3)
    await room.until(lambda: room.worker.alive == {(1, 2)})
    await room.keeps_its_work(1, Verdict.LOST)
    assert (await room.attempt(2)).verdict is None


async def test_one_that_broke_names_it(room: Room) -> None:
    room.runner.error = ValueError("surprise")
    room.runner.gate.set()
    await room.until(lambda: room.worker.running == 0)
    await room.keeps_its_work(1, Verdict.FAILED)


async def test_one_that_was_killed_is_named_by_the_next_start_while_its_words_are_kept(room: Room) -> None:
    queue, now, killed = room.store.queue, room.clock.now(), Work(BRANCH, " queue.py | 2 +-", Kept.REFUSED)
    await queue.cancel(1, "U1", now)
    await queue.recover(now)
    await queue.note_work(1, 1, killed, now)
    attempt = await room.attempt(1)
    assert (attempt.verdict, attempt.work) == (Verdict.CANCELLED, killed)
    await queue.note_work(1, 1, replace(killed, kept=Kept.BRANCH), now)
    assert (await room.attempt(1)).work == replace(killed, kept=Kept.BRANCH)
    (card,) = await room.store.outbox.due(now, 10)
    await room.store.outbox.sent(card.id, card.revision, "1.1", now)
    (answer,) = await room.store.outbox.due(now, 10)
    await room.store.outbox.sent(answer.id, answer.revision, "1.2", now)
    assert await room.store.retention.forget(timedelta(0), now + timedelta(1)) == 1
    await queue.note_work(1, 1, killed, now)
    assert (await room.attempt(1)).work is None


__all__ = ["repo"]
