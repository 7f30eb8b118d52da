"""Any order of asking, answering, waiting, crashing and cancelling, on a real file."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Coroutine
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dispatch.errors import LeaseLost, MoveRefused
from dispatch.policy import Seating, Settlement
from dispatch.questions import MOST, Decision, Ending, NewQuestion, QuestionKind
from dispatch.routing import DEFAULT_TABLE, raised, route
from dispatch.states import TERMINAL, State
from dispatch.store import Store
from dispatch.task import Claim, NewTask, Outcome, Source, Tier, Verdict
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

    def picked(self, pick: int) -> Claim:
        """Mostly the newest claim, sometimes an older one."""
        return self.claims[-1] if pick % 4 else self.claims[pick // 4 % len(self.claims)]

    def enqueue(self, expires_at: datetime | None = None) -> None:
        self.tasks += 1
        new = NewTask(f"k{self.tasks}", Source.SLASH, "U1", "words", 9, channel="C1", expires_at=expires_at)
        self.do(self.store.queue.enqueue(new, route(9, None, None, DEFAULT_TABLE), self.now))

    @initialize()
    def begin(self) -> None:
        self.enqueue(self.now + timedelta(minutes=12))
        self.enqueue()
        self.claim()

    @precondition(lambda self: self.tasks < 6)
    @rule()
    def another(self) -> None:
        self.enqueue()

    @rule()
    def claim(self) -> None:
        for tier in Tier:
            claim = self.do(self.store.queue.claim(tier, Seating(SEATS), self.now + LEASE, self.now))
            if claim is not None:
                assert claim.resumed is None or claim.resumed.answer
                self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0), kind=KINDS, text=st.sampled_from(["a", "b"]))
    def ask(self, pick: int, kind: QuestionKind, text: str) -> None:
        claim = self.picked(pick)
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
    @rule(pick=st.integers(0), ends=st.sampled_from([Verdict.ASKED] * 3 + [Verdict.ANSWERED]))
    def settle(self, pick: int, ends: Verdict) -> None:
        asked = ends is Verdict.ASKED
        claim = self.picked(pick)
        outcome = Outcome(Verdict.ASKED, conversation=b"so far") if asked else Outcome(Verdict.ANSWERED, "a")
        settlement = Settlement(State.WAITING if asked else State.DONE)
        task = self.do(self.store.queue.task(claim.task.id))
        settling = self.store.queue.settle(claim, outcome, settlement, self.now)
        if (task.state, task.attempt) != (State.RUNNING, claim.attempt):
            with pytest.raises(LeaseLost):
                self.do(settling)
            return
        assert self.do(settling).state is not State.RUNNING

    @rule(which=st.integers(0), same=st.booleans())
    def answer(self, which: int, same: bool) -> None:
        asked = [
            question
            for number in range(1, self.tasks + 1)
            for question in self.do(self.store.queue.questions(number))
        ]
        still_open = [question for question in asked if question.ending is None]
        choice = still_open if still_open and which % 3 else asked
        if not choice:
            return
        question = choice[which // 3 % len(choice)]
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

    @rule(pick=st.integers(0))
    def cancel(self, pick: int) -> None:
        number = 1 + pick // 3 % self.tasks
        if pick % 3 == 0 and self.state(number) not in TERMINAL:
            self.do(self.store.queue.cancel(number, "U1", self.now))

    @rule(minutes=st.integers(1, 3))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.do(self.store.queue.expire(self.now))
        for question in self.do(self.store.questions.end_overdue(self.now)):
            assert question.deadline <= self.now
        self.do(self.store.queue.sweep(self.now))

    @rule(pick=st.integers(0))
    def crash(self, pick: int) -> None:
        if pick % 3:
            return
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
    max_examples=30, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
