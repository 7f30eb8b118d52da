"""Any order of asking, answering, waiting, crashing and cancelling, on a real file."""

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
from dispatch.policy import Seating, Settlement
from dispatch.questions import MOST, Decision, Ending, NewQuestion, QuestionKind
from dispatch.routing import DEFAULT_TABLE, raised, route
from dispatch.store import Store
from dispatch.task import TERMINAL, Claim, NewTask, Outcome, Source, State, Tier, Verdict
from tests.contracts.stores import LEASE, NOW

T = TypeVar("T")
SEATS = 1
LASTS = timedelta(minutes=5)
KINDS = st.sampled_from(QuestionKind)
ANSWERS: dict[QuestionKind, list[str]] = {
    QuestionKind.QUESTION: ["refunds"],
    QuestionKind.APPROVAL: [Decision.ONCE, Decision.FOR_TASK, Decision.DENY],
    QuestionKind.UPGRADE: [Decision.RAISE, Decision.STAY],
}


class QuestionMachine(RuleBasedStateMachine):
    """Drives a store, and remembers every answer that was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "onequeue.db"
        self.store = self.do(Store.open(self.path))
        self.now = NOW
        self.tasks = 0
        self.claims: list[Claim] = []
        self.taken: dict[int, str] = {}
        self.presses = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.do(self.store.close())
        self.loop.close()
        self.folder.cleanup()

    def state(self, task_id: int) -> State:
        return self.do(self.store.queue.task(task_id)).state

    @precondition(lambda self: self.tasks < 4)
    @rule(soon=st.booleans())
    def enqueue(self, soon: bool) -> None:
        self.tasks += 1
        expires = self.now + timedelta(minutes=8) if soon else None
        new = NewTask(f"k{self.tasks}", Source.SLASH, "U1", "words", 9, channel="C1", expires_at=expires)
        self.do(self.store.queue.enqueue(new, route(9, None, None, DEFAULT_TABLE), self.now))

    @rule(tier=st.sampled_from(Tier))
    def claim(self, tier: Tier) -> None:
        claim = self.do(self.store.queue.claim(tier, Seating(SEATS), self.now + LEASE, self.now))
        if claim is None:
            return
        self.claims.append(claim)
        if claim.resumed is not None:
            assert claim.resumed.answer

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0), kind=KINDS, text=st.sampled_from(["a", "b"]))
    def ask(self, pick: int, kind: QuestionKind, text: str) -> None:
        claim = self.claims[pick % len(self.claims)]
        task = self.do(self.store.queue.task(claim.task.id))
        better = raised(task, text, DEFAULT_TABLE)
        if kind is QuestionKind.UPGRADE and better is None:
            return
        new = NewQuestion(kind, text, route=better if kind is QuestionKind.UPGRADE else None)
        before = self.do(self.store.queue.questions(task.id))
        asking = self.store.questions.ask(claim, new, self.now + LASTS, self.now)
        if (task.state, task.attempt) != (State.RUNNING, claim.attempt):
            with pytest.raises(LeaseLost):
                self.do(asking)
            return
        try:
            asked = self.do(asking)
        except MoveRefused:
            still_open = [question for question in before if question.ending is None]
            assert len(before) >= MOST or still_open[0].attempt == claim.attempt
            return
        assert asked.attempt == claim.attempt

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0), asked=st.booleans())
    def settle(self, pick: int, asked: bool) -> None:
        claim = self.claims[pick % len(self.claims)]
        outcome = Outcome(Verdict.ASKED, conversation=b"so far") if asked else Outcome(Verdict.ANSWERED, "a")
        settlement = Settlement(State.WAITING if asked else State.DONE)
        task = self.do(self.store.queue.task(claim.task.id))
        settling = self.store.queue.settle(claim, outcome, settlement, self.now)
        if (task.state, task.attempt) != (State.RUNNING, claim.attempt):
            with pytest.raises(LeaseLost):
                self.do(settling)
            return
        assert self.do(settling).state is not State.RUNNING

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0), which=st.integers(0), same=st.booleans())
    def answer(self, pick: int, which: int, same: bool) -> None:
        asked = self.do(self.store.queue.questions(1 + pick % self.tasks))
        if not asked:
            return
        question = asked[which % len(asked)]
        answers = ANSWERS[question.kind]
        self.presses += not same
        words, key = answers[which % len(answers)], f"press:{self.presses}"
        taken_by_key = {found.key: found.id for found in asked}.get(key)
        if taken_by_key not in (None, question.id) or (taken_by_key is None and same):
            return
        answering = self.store.questions.answer(question.id, words, "U1", key, self.now)
        if question.ending is not None and question.key != key:
            with pytest.raises(MoveRefused):
                self.do(answering)
            return
        assert self.do(answering).ending is Ending.ANSWERED
        self.taken.setdefault(question.id, words)
        assert self.state(question.task_id) is not State.WAITING, "it goes on"

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0))
    def cancel(self, pick: int) -> None:
        number = 1 + pick % self.tasks
        if self.state(number) not in TERMINAL:
            self.do(self.store.queue.cancel(number, "U1", self.now))

    @rule(minutes=st.integers(1, 4))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.do(self.store.queue.expire(self.now))
        for question in self.do(self.store.questions.end_overdue(self.now)):
            assert question.deadline <= self.now
        self.do(self.store.queue.sweep(self.now))

    @rule()
    def crash(self) -> None:
        self.do(self.store.close())
        self.store = self.do(Store.open(self.path))
        self.do(self.store.queue.recover(self.now))

    @invariant()
    def one_answer_counts(self) -> None:
        for number, words in self.taken.items():
            assert self.do(self.store.queue.question(number)).answer == words

    @invariant()
    def nothing_waits_without_a_question_that_ends(self) -> None:
        for number in range(1, self.tasks + 1):
            task, asked = (
                self.do(self.store.queue.task(number)),
                self.do(self.store.queue.questions(number)),
            )
            still_open = [question for question in asked if question.ending is None]
            assert len(still_open) <= 1
            assert all(question.deadline > self.now for question in still_open)
            if task.state is State.WAITING:
                assert len(still_open) == 1
            if task.state in TERMINAL:
                assert still_open == []

    @invariant()
    def what_is_over_keeps_no_conversation(self) -> None:
        with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)) as raw:
            kept = raw.execute(
                "SELECT task.state, count(*) FROM question JOIN task ON task.id = question.task_id"
                " WHERE conversation IS NOT NULL GROUP BY task.id"
            ).fetchall()
            seated = raw.execute("SELECT count(*) FROM task WHERE state = 'running' GROUP BY tier").fetchall()
        assert all(state not in TERMINAL and count == 1 for state, count in kept)
        assert all(count <= SEATS for (count,) in seated), "who waits has no seat"


TestQuestionMachine = QuestionMachine.TestCase
TestQuestionMachine.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
