"""Any order of moves, crashes among them, on a real file against a plain model of what tasks are."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatch.errors import LeaseLost, MoveRefused
from dispatch.faults import Fault, FaultKind
from dispatch.policy import LOSSES, Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import MOVES, TERMINAL, Move, State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Tier, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.contracts.stores import LEASE, NOW, two_each
from tests.integration.model import Model

T = TypeVar("T")
SEATS = 2
ENDS = st.sampled_from([State.DONE, State.FAILED, State.CANCELLED, State.HELD, State.PARKED])
OUTCOMES = {State.DONE: Outcome(Verdict.ANSWERED, "a"), State.CANCELLED: Outcome(Verdict.CANCELLED)}
FAILED = Outcome(Verdict.FAILED, fault=Fault(FaultKind.NETWORK, "cut"))


class StoreMachine(RuleBasedStateMachine):
    """Drives a store and its model side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "onequeue.db"
        self.store = self.do(Store.open(self.path))
        self.now = NOW
        self.tasks: dict[int, Model] = {}
        self.claims: list[Claim] = []
        self.opened: dict[int, int] = {}
        self.lines: dict[tuple[Tier, int], int] = {}
        self.revisions: dict[int, int] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def lost(self, task_id: int, *, died: bool = True) -> None:
        """What the loss of its attempt makes of a running task."""
        task = self.tasks[task_id]
        if task.cancel_asked:
            task.state = State.CANCELLED
            task.answers.add(task.attempt)
            return
        task.losses += died
        parked = died and task.losses >= LOSSES
        task.state = State.PARKED if parked else State.QUEUED
        (task.answers if parked else task.restarts).add(task.attempt)

    def running(self) -> list[int]:
        """The numbers of the running tasks."""
        return [number for number, task in self.tasks.items() if task.state is State.RUNNING]

    def owns(self, claim: Claim) -> bool:
        """Whether the claim still holds."""
        task = self.tasks[claim.task.id]
        return task.state is State.RUNNING and task.attempt == claim.attempt

    @rule(number=st.integers(1, 6), priority=st.integers(1, 10))
    def enqueue(self, number: int, priority: int) -> None:
        key = f"k{number}"
        known = next((task_id for task_id, task in self.tasks.items() if task.key == key), None)
        requester = f"U{number % 2}"
        new = NewTask(key, Source.SLASH, requester, "words", priority, channel="C1")
        decided = route(priority, None, None, DEFAULT_TABLE)
        task, created = self.do(self.store.queue.enqueue(new, decided, self.now))
        assert created is (known is None)
        assert known in {None, task.id}
        if created:
            self.tasks[task.id] = Model(key, decided.tier, priority, requester)
            self.take_turn(self.tasks[task.id])

    def take_turn(self, task: Model) -> None:
        """Puts a task behind its requester's others, and behind nobody's second."""
        own = [
            other.turn + 1
            for other in self.tasks.values()
            if other is not task
            and other.state in (State.QUEUED, State.RUNNING)
            and (other.tier, other.priority, other.requester) == (task.tier, task.priority, task.requester)
        ]
        task.turn = max(self.lines.get((task.tier, task.priority), 0), *own, 0)

    @rule(tier=st.sampled_from(Tier))
    def claim(self, tier: Tier) -> None:
        busy = sum(self.tasks[number].tier is tier for number in self.running())
        ready = [
            (task.priority, task.turn, number)
            for number, task in self.tasks.items()
            if task.state is State.QUEUED and task.tier is tier
        ]
        claim = self.do(self.store.queue.claim(tier, Seating(SEATS), self.now + LEASE, self.now))
        if busy >= SEATS or not ready:
            assert claim is None
            return
        assert claim is not None
        assert claim.task.id == min(ready)[2]
        task = self.tasks[claim.task.id]
        line = (task.tier, task.priority)
        self.lines[line] = max(self.lines.get(line, 0), task.turn)
        task.state, task.attempt = State.RUNNING, task.attempt + 1
        assert claim.attempt == task.attempt
        self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0), state=ENDS)
    def settle(self, pick: int, state: State) -> None:
        claim = self.claims[pick % len(self.claims)]
        run_at = self.now + timedelta(minutes=1) if state is State.HELD else None
        settling = self.store.queue.settle(
            claim, OUTCOMES.get(state, FAILED), Settlement(state, run_at), self.now
        )
        if not self.owns(claim):
            with pytest.raises(LeaseLost):
                self.do(settling)
            return
        task = self.tasks[claim.task.id]
        stopped = task.cancel_asked and state is State.HELD
        task.state = State.CANCELLED if stopped else state
        task.run_at = None if stopped else run_at
        if task.state in {State.DONE, State.FAILED, State.CANCELLED, State.PARKED}:
            task.answers.add(task.attempt)
        assert self.do(settling).state is task.state

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0))
    def give_back(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        giving = self.store.queue.give_back(claim, "stopped", self.now)
        if not self.owns(claim):
            with pytest.raises(LeaseLost):
                self.do(giving)
            return
        self.do(giving)
        self.lost(claim.task.id, died=False)

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0))
    def cancel(self, pick: int) -> None:
        number = 1 + pick % len(self.tasks)
        task = self.tasks[number]
        cancelling = self.store.queue.cancel(number, "U1", self.now)
        if task.state in TERMINAL:
            with pytest.raises(MoveRefused):
                self.do(cancelling)
        elif task.state is State.RUNNING:
            task.cancel_asked = True
            assert self.do(cancelling).cancel_asked
        else:
            task.state, task.run_at = State.CANCELLED, None
            assert self.do(cancelling).state is State.CANCELLED

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0))
    def retry(self, pick: int) -> None:
        number = 1 + pick % len(self.tasks)
        task = self.tasks[number]
        retrying = self.store.queue.retry(number, "U1", self.now)
        if task.state not in MOVES[Move.RETRY][0]:
            with pytest.raises(MoveRefused):
                self.do(retrying)
            return
        task.state, task.cancel_asked, task.losses = State.QUEUED, False, 0
        assert self.do(retrying).state is State.QUEUED
        self.take_turn(task)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0))
    def send_request(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        opening = self.store.ledger.open(claim, "m", self.now)
        if not self.owns(claim):
            with pytest.raises(LeaseLost):
                self.do(opening)
            return
        self.opened[self.do(opening)] = claim.task.id

    @precondition(lambda self: self.opened)
    @rule(price=st.one_of(st.none(), st.integers(0, 10**12)), drop=st.booleans())
    def end_request(self, price: int | None, drop: bool) -> None:
        booking, number = self.opened.popitem()
        if drop:
            self.do(self.store.ledger.drop(booking))
            return
        self.tasks[number].cost += price or 0
        self.tasks[number].unpriced += price is None
        self.do(
            self.store.ledger.book(
                booking,
                model="m",
                request_id="r",
                usage=Usage(1, 2),
                price=Unpriced("unknown") if price is None else Price(price, "v1"),
                estimated=False,
                now=self.now,
            )
        )

    @rule(minutes=st.integers(1, 3))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        due = [task for task in self.tasks.values() if task.run_at is not None and task.run_at <= self.now]
        assert self.do(self.store.queue.promote(self.now)) == len(due)
        for task in due:
            task.state, task.run_at = State.QUEUED, None

    @rule()
    def sweep(self) -> None:
        leases = {(claim.task.id, claim.attempt): claim.lease_until for claim in self.claims}
        overdue = [
            number for number in self.running() if leases[number, self.tasks[number].attempt] <= self.now
        ]
        assert self.do(self.store.queue.sweep(self.now)) == len(overdue)
        for number in overdue:
            self.lost(number)

    @rule()
    def crash(self) -> None:
        running = self.running()
        self.do(self.store.close())
        self.store = self.do(Store.open(self.path))
        assert self.do(self.store.queue.recover(self.now)) == len(running)
        assert self.do(self.store.ledger.close_open(two_each, self.now)) == len(self.opened)
        for number in running:
            self.lost(number)
        for number in self.opened.values():
            self.tasks[number].unpriced += 1
        self.opened.clear()

    @rule(sends=st.integers(1, 5))
    def deliver(self, sends: int) -> None:
        for delivery in self.do(self.store.outbox.due(self.now, sends)):
            self.do(self.store.outbox.sending(delivery.id))
            self.do(self.store.outbox.sent(delivery.id, delivery.revision, f"m{delivery.id}", self.now))
            again = {left.id for left in self.do(self.store.outbox.due(self.now, 99))}
            assert delivery.id not in again

    @invariant()
    def every_task_is_what_the_model_says(self) -> None:
        for number, expected in self.tasks.items():
            task = self.do(self.store.queue.task(number))
            assert (task.state, task.attempt) == (expected.state, expected.attempt)
            assert (task.cancel_asked, task.run_at) == (expected.cancel_asked, expected.run_at)
            assert (task.cost_micro_usd, task.unpriced) == (expected.cost, expected.unpriced)
            assert self.do(self.store.ledger.spent(number)) == expected.cost

    @invariant()
    def no_task_is_lost_from_the_lists(self) -> None:
        still_open = {number for number, task in self.tasks.items() if task.state not in TERMINAL}
        assert {task.id for task in self.do(self.store.queue.open_tasks(100))} == still_open
        assert sum(self.do(self.store.queue.counts()).values()) == len(still_open)
        ended = self.do(self.store.queue.ended_tasks(NOW, self.now + LEASE))
        assert {task.id for task in ended} == self.tasks.keys() - still_open

    @invariant()
    def what_is_on_the_disk_agrees_with_itself(self) -> None:
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as raw:
            moves = raw.execute("SELECT task_id, move FROM history ORDER BY id").fetchall()
            keys = {key for (key,) in raw.execute("SELECT key FROM delivery")}
            (requests,) = raw.execute("SELECT count(*) FROM ledger WHERE booked_at IS NULL").fetchone()
        assert requests == len(self.opened)
        for number, task in self.tasks.items():
            told = [move for of, move in moves if of == number]
            assert told[0] == Move.ENQUEUE
            assert told.count(Move.CLAIM) == task.attempt
            expected = {f"card:{number}"}
            expected |= {f"answer:{number}:{attempt}" for attempt in task.answers}
            expected |= {f"restart:{number}:{attempt}" for attempt in task.restarts}
            assert {key for key in keys if key.split(":")[1] == str(number)} == expected


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=25, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
