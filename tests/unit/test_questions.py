"""Which answers hold, and what sessions are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.questions import (
    DECISIONS,
    Decision,
    Ending,
    NewQuestion,
    Question,
    QuestionKind,
    accepts,
    deadline,
    is_same,
    recalled,
    reply,
    standing,
)
from dispatch.routing import DEFAULT_TABLE, raised
from dispatch.task import Tier
from dispatch.work import Work
from tests.fakes.values import NOON, make_task
from tests.unit.messages import make_attempt

HOURS = timedelta(hours=4)
ANA, SAM = "UANA00001", "USAM00001"


def question(kind: QuestionKind = QuestionKind.QUESTION, **changes: Any) -> Question:
    """An open question, changed as said; one with an answer is answered by ana."""
    asked = Question(
        id=7,
        task_id=42,
        attempt=1,
        kind=kind,
        text="Which queue first?",
        reason="",
        options=("payments", "refunds"),
        route=None,
        asked_at=NOON,
        deadline=NOON + HOURS,
        ending=None,
        answer=None,
        person=None,
        key=None,
        ended_at=None,
        told=False,
    )
    if "answer" in changes:
        asked = replace(asked, ending=Ending.ANSWERED, person=ANA, ended_at=NOON)
    return replace(asked, **changes)


def over(kind: QuestionKind) -> Question:
    return question(kind, ending=Ending.OVERDUE, ended_at=NOON)


def test_a_question_waits_no_longer_than_its_task() -> None:
    assert deadline(NOON, HOURS, make_task()) == NOON + HOURS
    soon = NOON + timedelta(hours=1)
    assert deadline(NOON, HOURS, make_task(expires_at=soon)) == soon
    assert deadline(NOON, HOURS, make_task(expires_at=NOON + 2 * HOURS)) == NOON + HOURS


@given(st.sampled_from(QuestionKind), st.text())
def test_only_its_own_decisions_answer_what_wants_one(kind: QuestionKind, answer: str) -> None:
    if kind is QuestionKind.QUESTION:
        assert accepts(question(kind), answer) is bool(answer.strip())
    else:
        assert accepts(question(kind), answer) is (answer in DECISIONS[kind])


@pytest.mark.parametrize("kind", DECISIONS)
@pytest.mark.parametrize("decision", Decision)
def test_no_decision_belongs_to_two_kinds(kind: QuestionKind, decision: Decision) -> None:
    assert accepts(question(kind), decision) is (decision in DECISIONS[kind])


def test_a_question_is_the_same_in_other_letters_an_action_only_to_the_letter() -> None:
    assert is_same(question(), NewQuestion(QuestionKind.QUESTION, " which  QUEUE\nfirst?"))
    assert not is_same(question(), NewQuestion(QuestionKind.APPROVAL, "Which queue first?"))
    action = question(QuestionKind.APPROVAL, text="rm -r a")
    assert is_same(action, NewQuestion(QuestionKind.APPROVAL, "rm -r a", "another reason"))
    assert not is_same(action, NewQuestion(QuestionKind.APPROVAL, "rm -r A"))
    assert not is_same(action, NewQuestion(QuestionKind.APPROVAL, "rm  -r a"))


def test_what_was_decided_is_not_asked_again() -> None:
    again = NewQuestion(QuestionKind.QUESTION, "Which queue first?")
    assert standing([question()], again) is None
    assert standing([question(ending=Ending.STALE, ended_at=NOON)], again) is None
    assert standing([over(QuestionKind.QUESTION)], again) is not None
    answered = question(answer="refunds", told=True)
    assert standing([over(QuestionKind.QUESTION), answered], again) is answered, "the newest"


@pytest.mark.parametrize(
    ("decision", "told", "holds"),
    [
        (Decision.ONCE, False, True),
        (Decision.ONCE, True, False),
        (Decision.FOR_TASK, True, True),
        (Decision.DENY, True, True),
    ],
)
def test_one_approval_is_spent_by_being_told(decision: Decision, told: bool, holds: bool) -> None:
    action = NewQuestion(QuestionKind.APPROVAL, "restart")
    asked = question(QuestionKind.APPROVAL, text="restart", answer=decision, told=told)
    assert (standing([asked], action) is asked) is holds


def test_each_end_is_told_in_words() -> None:
    assert reply(question(answer="refunds"), ANA) == "The requester answered, in these words:\n\nrefunds"
    assert reply(question(answer="refunds", person=SAM), ANA).startswith("An operator answered")
    approval = QuestionKind.APPROVAL
    told = {decision: reply(question(approval, answer=decision), ANA) for decision in DECISIONS[approval]} | {
        None: reply(over(approval), ANA)
    }
    assert "approved" in told[Decision.ONCE]
    assert "approved" in told[Decision.FOR_TASK]
    assert "denied" in told[Decision.DENY]
    assert "denied" in told[None]
    assert len(set(told.values())) == 4
    assert reply(over(QuestionKind.QUESTION), ANA).startswith("Nobody answered in time. Decide yourself")
    assert reply(question(QuestionKind.UPGRADE, answer=Decision.STAY), ANA).endswith("go on as you are.")


def test_a_word_that_is_a_decision_elsewhere_is_only_a_word_here() -> None:
    assert reply(question(answer="once"), ANA).endswith("in these words:\n\nonce")


def test_a_fresh_session_knows_what_people_said_and_nothing_that_was_approved() -> None:
    said = recalled(
        [question(answer="first\nthe refunds"), question(QuestionKind.APPROVAL, answer="once")], []
    )
    assert said == (
        "An earlier session of this task asked:\n> Which queue first?\n\n"
        "and a person answered:\n> first\n> the refunds"
    )
    assert recalled([question(), over(QuestionKind.QUESTION)], []) == ""


def test_a_raised_task_knows_why_and_how_far_it_came() -> None:
    why = question(QuestionKind.UPGRADE, text="three causes", answer=Decision.RAISE, attempt=2)
    work = [make_attempt(1, text="not this"), make_attempt(2, text="It is not\nthe pool.")]
    said = recalled([why], work)
    assert "more complex than it could do well:\n> three causes" in said
    assert said.endswith("Its work so far:\n> It is not\n> the pool.")
    assert "not this" not in said
    changed = replace(work[1], work=Work("onequeue/42", " queue.py | 2 +-\n 1 file changed"))
    assert recalled([why], [work[0], changed]).endswith(
        "What it changed is on the branch onequeue/42:\n>  queue.py | 2 +-\n>  1 file changed"
    )
    assert recalled([replace(why, answer=Decision.STAY)], work) == ""


@pytest.mark.parametrize(("tier", "better"), [(Tier.HAIKU, Tier.SONNET), (Tier.SONNET, Tier.OPUS)])
def test_a_task_is_raised_by_one_tier(tier: Tier, better: Tier) -> None:
    task = make_task(priority=DEFAULT_TABLE[tier].last_priority)
    route = raised(task, "too hard", DEFAULT_TABLE)
    assert route is not None
    assert (route.tier, route.model) == (better, DEFAULT_TABLE[better].model)
    assert route.cap_micro_usd == DEFAULT_TABLE[better].cap_micro_usd
    capped = raised(replace(task, asked_cap_micro_usd=5), "too hard", DEFAULT_TABLE)
    assert capped is not None
    assert capped.cap_micro_usd == 5


def test_nothing_is_better_than_opus() -> None:
    assert raised(make_task(priority=1), "too hard", DEFAULT_TABLE) is None
