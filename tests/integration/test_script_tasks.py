"""Tasks that run scripts on a real queue: past every gate and budget, and failed where nobody knows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dispatch.asking import Asking
from dispatch.budget import Budgets
from dispatch.dispatcher import Dispatcher
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.faults import Fault, FaultKind
from dispatch.gates import ACCOUNT, RUNTIME, Gate, GateState
from dispatch.policy import Settlement
from dispatch.ports import Access
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import NewTask, Outcome, Source, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.worker import LEASE, Worker
from tests.fakes.clock import FakeClock
from tests.fakes.scripts import STATUS
from tests.integration.front_desk import one_each
from tests.integration.work_room import FakeGateway, FakeNotifier, FakeQuotes, FakeSeats

AGAIN = replace(STATUS, name="again", again=True)
TERMS = Terms(
    DEFAULT_TABLE,
    ZoneInfo("UTC"),
    budgets=Budgets(everybody=1),
    scripts={script.name: script for script in (STATUS, AGAIN)},
)


class Room:
    """A queue with a front door and workers, behind a Slack that shows no thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.seats = FakeSeats()
        self.worker = self.worker_by(TERMS)
        asking = Asking(store.questions, store.queue, FakeNotifier(), self.clock, TERMS)
        self.front = Dispatcher(
            store.queue, store.gates, self.worker, asking, FakeNotifier(), self.clock, one_each, TERMS
        )

    def worker_by(self, terms: Terms) -> Worker:
        queue, gates, notifier = self.store.queue, self.store.gates, FakeNotifier()
        quotes = FakeQuotes()
        quotes.broken = True
        return Worker(
            queue, gates, FakeGateway(), self.seats, quotes, notifier, self.clock, terms, lambda: 0.5
        )

    async def submit(self, script: str = "status", words: str = "last week") -> Task:
        new = NewTask(f"k:{script}", Source.SLASH, "UANA00001", words, 5, channel="C1", script=script)
        return (await self.front.submit(new))[0]

    async def ends(self, worker: Worker, task_id: int) -> Task:
        """Lets the worker go on until the task has ended."""
        working = asyncio.create_task(worker.run())
        async with asyncio.timeout(10):
            while (await self.store.queue.task(task_id)).finished_at is None:
                worker.wake()
        await worker.drain(timedelta(0))
        await working
        return await self.store.queue.task(task_id)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await Store.open(tmp_path / "onequeue.db")
    yield Room(store)
    await store.close()


async def test_a_script_runs_where_no_model_may_and_is_given_nothing(room: Room) -> None:
    opus = NewTask("k:opus", Source.CLI, "U1", "investigate stall", 1)
    await room.front.submit(opus)
    now = room.clock.now()
    claim = await room.store.queue.claim(Tier.OPUS, TERMS.seating(Tier.OPUS), now + LEASE, now)
    assert claim is not None
    shut = tuple(
        Gate(name, GateState.CLOSED, FaultKind.SUSPENDED, closed_at=now) for name in (ACCOUNT, RUNTIME)
    )
    fault = Outcome(Verdict.FAILED, fault=Fault(FaultKind.SUSPENDED))
    await room.store.queue.settle(claim, fault, Settlement(State.QUEUED, gates=shut), now)

    task = await room.submit()
    assert (task.route.tier, task.route.model, task.route.cap_micro_usd) == (Tier.SCRIPT, "", 0)
    ending = asyncio.create_task(room.ends(room.worker, task.id))
    await room.seats.wait_started(1)
    (session,) = room.seats.started
    assert (session.script, session.prompt, session.requester) == (STATUS, "last week", "UANA00001")
    assert session.access == Access("", "", ())
    assert session.wall_clock == STATUS.wall_clock
    room.seats.end(task.id, Outcome(Verdict.ANSWERED, "all well"))
    ended = await ending
    assert (ended.state, ended.cost_micro_usd, ended.unpriced) == (State.DONE, 0, 0)
    assert await room.store.ledger.tokens(task.id) == 0


async def test_what_the_settings_no_longer_name_fails(room: Room) -> None:
    task = await room.submit()
    ended = await room.ends(room.worker_by(replace(TERMS, scripts={})), task.id)
    assert ended.state is State.FAILED
    (attempt,) = await room.store.queue.attempts(task.id)
    assert attempt.fault == Fault(FaultKind.SCRIPT, "the settings name no script status any more")
    with pytest.raises(NotAdmitted, match="no script gone"):
        await room.submit("gone")


@pytest.mark.parametrize(("script", "state"), [("status", State.FAILED), ("again", State.QUEUED)])
@pytest.mark.parametrize("how", ["killed", "swept", "stopped"])
async def test_a_lost_one_runs_again_only_where_it_may(
    room: Room, script: str, state: State, how: str
) -> None:
    task, now = await room.submit(script), room.clock.now()
    claim = await room.store.queue.claim(Tier.SCRIPT, TERMS.seating(Tier.SCRIPT), now + LEASE, now)
    assert claim is not None
    if how == "killed":
        await room.store.queue.recover(now)
    elif how == "swept":
        await room.store.queue.sweep(now + 2 * LEASE)
    else:
        await room.store.queue.give_back(claim, "stopped", now)
    assert (await room.store.queue.task(task.id)).state is state
    keys = {delivery.key for delivery in await room.store.outbox.due(now + 2 * LEASE, 9)}
    assert keys == {f"card:{task.id}"}, "the card goes first"
    if state is State.FAILED:
        assert (await room.front.retry(task.id, "U1")).state is State.QUEUED


async def test_a_script_goes_no_other_way(room: Room) -> None:
    task = await room.submit()
    with pytest.raises(MoveRefused):
        await room.front.cheaper(task.id, "U1")
    await room.front.cancel(task.id, "U1")
    with pytest.raises(MoveRefused, match="costs nothing"):
        await room.front.another_cap(task.id, "U1")
