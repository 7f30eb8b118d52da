"""Any order of replies, sessions and crashes in one thread: what is said is heard once, or runs by itself."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatch.errors import LeaseLost, MoveRefused
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import TERMINAL, Move, State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Tier, Verdict
from tests.contracts.stores import LEASE, NOW

T = TypeVar("T")
ANSWERED = Outcome(Verdict.ANSWERED, "a")


class ThreadMachine(RuleBasedStateMachine):
    """Drives a store. `ended` are the tasks that people ended themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "onequeue.db"
        self.store = self.do(Store.open(self.path))
        self.claims: list[Claim] = []
        self.said = 0
        self.ended: set[int] = set()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs to its end."""
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.run_out()
        finally:
            self.do(self.store.close())
            self.loop.close()
            self.folder.cleanup()

    def tasks(self) -> list[Task]:
        return list(self.do(self.store.queue.in_thread("C1", "17.1", 100)))

    @initialize()
    def ask(self) -> None:
        self.say(steers=False)

    @rule(steers=st.booleans())
    def say(self, *, steers: bool) -> None:
        before, self.said = self.tasks(), self.said + 1
        running = [task.id for task in before if task.state is State.RUNNING]
        meant = running[-1] if steers and running else None
        parent = before[-1].id if before else None
        new = NewTask(
            f"k{self.said}",
            Source.MENTION,
            "U1",
            f"word {self.said}",
            3,
            channel="C1",
            thread="17.1",
            parent=parent,
            quote_thread=True,
            adds_to=meant,
        )
        task, created = self.do(self.store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW))
        assert created
        still_open = [one for one in before if one.finished_at is None]
        assert (task.state is State.HELD) is bool(still_open)
        assert task.adds_to in (None, meant)
        if still_open and still_open[-1].id == meant and not still_open[-1].cancel_asked:
            assert task.adds_to == meant

    @rule()
    def claim(self) -> None:
        claim = self.do(self.store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW))
        if claim is not None:
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0))
    def take_up(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        task = self.do(self.store.queue.task(claim.task.id))
        owns = task.state is State.RUNNING and task.attempt == claim.attempt
        waiting = [one.id for one in self.tasks() if one.adds_to == task.id]
        before = [one.id for one in self.do(self.store.queue.additions(task.id))]
        if waiting and not owns:
            with pytest.raises(LeaseLost):
                self.do(self.store.queue.take_up(claim, NOW))
            return
        taken = [one.id for one in self.do(self.store.queue.take_up(claim, NOW))]
        assert taken == sorted(taken) == sorted([*before, *([] if task.cancel_asked else waiting)])

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0), state=st.sampled_from([State.DONE, State.FAILED]))
    def settle(self, pick: int, state: State) -> None:
        claim = self.claims.pop(pick % len(self.claims))
        try:
            self.do(self.store.queue.settle(claim, ANSWERED, Settlement(state), NOW))
        except LeaseLost:
            return
        if state is State.FAILED:
            self.ended.add(claim.task.id)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0))
    def give_back(self, pick: int) -> None:
        claim = self.claims[pick % len(self.claims)]
        try:
            self.do(self.store.queue.give_back(claim, "stopped", NOW))
        except LeaseLost:
            return
        if self.do(self.store.queue.task(claim.task.id)).state is State.CANCELLED:
            self.ended.add(claim.task.id)

    @rule(pick=st.integers(0), move=st.sampled_from(["cancel", "let_go", "hold", "retry"]))
    def moves(self, pick: int, move: str) -> None:
        tasks = self.tasks()
        task = tasks[pick % len(tasks)]
        try:
            moved = self.do(getattr(self.store.queue, move)(task.id, "U1", NOW))
        except MoveRefused:
            return
        assert task.taken_by is None, "nobody moves what was taken up"
        if move == "cancel":
            self.ended.add(moved.id)
        if move == "retry":
            self.ended.discard(moved.id)

    @rule()
    def reopen(self) -> None:
        self.do(self.store.close())
        self.store = self.do(Store.open(self.path))

    @invariant()
    def each_waits_for_something_that_can_end_or_was_taken_up_once(self) -> None:
        found = {task.id: task for task in self.tasks()}
        for task in found.values():
            if task.behind is not None:
                assert task.state is State.HELD
                assert found[task.behind].state not in TERMINAL
            if task.adds_to is not None:
                assert task.state is State.HELD
                assert task.adds_to <= (task.behind or 0)
            if task.taken_by is not None:
                assert (task.state, task.attempt, task.cost_micro_usd) == (State.CANCELLED, 0, 0)
        taken = Counter(
            (number, step.detail)
            for number in found
            for step in self.do(self.store.queue.history(number))
            if step.move is Move.TAKE_UP
        )
        assert taken == Counter(
            (task.taken_by, f"#{task.id}") for task in found.values() if task.taken_by is not None
        )

    def run_out(self) -> None:
        """Whatever was said comes to something by itself, once people let go of what they hold."""
        for _ in range(3 * self.said):
            for task in self.tasks():
                if task.state is State.RUNNING:
                    claim = Claim(task, task.attempt, NOW, 0)
                    self.do(self.store.queue.settle(claim, ANSWERED, Settlement(State.DONE), NOW))
                elif task.state is State.HELD and task.behind is None:
                    self.do(self.store.queue.let_go(task.id, "U1", NOW))
            while self.do(self.store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW)):
                pass
        for task in self.tasks():
            assert task.state is State.DONE or task.taken_by is not None or task.id in self.ended, task


TestThread = ThreadMachine.TestCase
TestThread.settings = settings(
    max_examples=25, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]
)
