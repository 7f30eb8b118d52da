"""`ports.Questions`, and what the queue does with tasks that wait for an answer."""

from datetime import timedelta

import pytest

from dispatch.delivery import DeliveryKind
from dispatch.errors import LeaseLost, MoveRefused, NotFound
from dispatch.faults import Fault, FaultKind
from dispatch.policy import Settlement
from dispatch.questions import MOST, Decision, Ending, NewQuestion, Question, QuestionKind
from dispatch.routing import DEFAULT_TABLE, raised
from dispatch.states import State
from dispatch.task import Claim, Outcome, Task, Tier, Verdict
from tests.contracts.stores import LEASE, NOW, SECOND, Parts, two_each

WHICH = NewQuestion(QuestionKind.QUESTION, "Which queue first?", options=("payments", "refunds"))
OTHER = NewQuestion(QuestionKind.QUESTION, "And then?")
RESTART = NewQuestion(QuestionKind.APPROVAL, "restart payments", "it hangs")
DEADLINE = NOW + timedelta(hours=4)
TALK = b"what was said"


async def asked(store: Parts, claim: Claim, new: NewQuestion = WHICH) -> Question:
    return await store.questions.ask(claim, new, DEADLINE, NOW)


async def pause(store: Parts, claim: Claim, conversation: bytes = TALK) -> Task:
    outcome = Outcome(Verdict.ASKED, "so far", "m", conversation=conversation)
    return await store.queue.settle(claim, outcome, Settlement(State.WAITING), NOW)


async def waiting(store: Parts, key: str = "k1", new: NewQuestion = WHICH) -> Question:
    """The question of a task that waits for it."""
    await store.add(key)
    claim = await store.claim()
    question = await asked(store, claim, new)
    assert (await pause(store, claim)).state is State.WAITING
    return question


async def only(store: Parts, task_id: int) -> Question:
    (question,) = await store.queue.questions(task_id)
    return question


async def test_a_question_is_told_once_and_its_task_waits_without_a_seat(store: Parts) -> None:
    question = await waiting(store)
    assert (question.text, question.options, question.ending) == (WHICH.text, WHICH.options, None)
    assert question == await store.queue.question(question.id)
    assert await store.deliver_all() == ["card:1", f"question:{question.id}"]
    await store.add("k2")
    assert (await store.claim(seats=1)).task.id == 2
    (attempt,) = await store.queue.attempts(1)
    assert (attempt.verdict, attempt.text) == (Verdict.ASKED, "so far")


async def test_an_answer_goes_back_to_the_session_that_waited(store: Parts) -> None:
    question = await waiting(store)
    await store.deliver_all()
    store = await store.reopened()
    answered = await store.questions.answer(question.id, "refunds", "U1", "press:1", NOW + SECOND)
    assert (answered.ending, answered.answer, answered.person) == (Ending.ANSWERED, "refunds", "U1")
    due = {delivery.key: delivery for delivery in await store.due(NOW + SECOND)}
    assert set(due) == {"card:1"}, "of each task one goes after the other"
    assert await store.deliver_all(NOW + SECOND) == ["card:1", f"question:{question.id}"]
    claim = await store.claim()
    assert claim.attempt == 2
    assert claim.resumed is not None
    assert claim.resumed.conversation == TALK
    assert claim.resumed.answer == "The requester answered, in these words:\n\nrefunds"
    assert (await only(store, 1)).told
    await store.settle(claim, State.DONE)
    await store.close()


async def test_it_goes_on_at_its_old_place(store: Parts) -> None:
    first = await waiting(store, "first")
    for key in ("second", "third"):
        await store.add(key)
    await store.questions.answer(first.id, "refunds", "U1", "k", NOW)
    assert (await store.claim()).task.id == first.task_id


async def test_one_answer_counts(store: Parts) -> None:
    question = await waiting(store)
    taken = await store.questions.answer(question.id, "refunds", "U1", "press:1", NOW)
    assert await store.questions.answer(question.id, "payments", "U1", "press:1", NOW) == taken
    with pytest.raises(MoveRefused, match="answered already"):
        await store.questions.answer(question.id, "payments", "U2", "press:2", NOW)
    assert (await only(store, 1)).answer == "refunds"
    with pytest.raises(NotFound):
        await store.questions.answer(99, "payments", "U2", "press:3", NOW)


async def test_a_question_is_found_by_its_thread_and_by_the_request_that_answered_it(store: Parts) -> None:
    question = await waiting(store)
    await store.deliver_all()
    thread = (await store.queue.task(1)).thread
    assert thread
    assert await store.questions.asked_in("C1", thread, "said:1") == question
    assert await store.questions.asked_in("C2", thread, "said:1") is None
    taken = await store.questions.answer(question.id, "refunds", "U1", "said:1", NOW)
    assert await store.questions.asked_in("C1", thread, "said:1") == taken
    assert await store.questions.asked_in("C1", thread, "said:2") is None


async def test_an_answer_that_comes_before_the_pause_queues_the_task_at_once(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    question = await asked(store, claim)
    await store.questions.answer(question.id, "refunds", "U1", "k", NOW)
    assert (await pause(store, claim)).state is State.QUEUED
    assert (await store.claim()).resumed is not None


async def test_when_nobody_answers_in_time_the_task_goes_on_without(store: Parts) -> None:
    question = await waiting(store)
    assert await store.questions.end_overdue(DEADLINE - SECOND) == []
    (ended,) = await store.questions.end_overdue(DEADLINE)
    assert (ended.id, ended.ending, ended.answer) == (question.id, Ending.OVERDUE, None)
    assert await store.questions.end_overdue(DEADLINE) == []
    with pytest.raises(MoveRefused, match="nobody answered in time"):
        await store.questions.answer(question.id, "refunds", "U1", "k", DEADLINE)
    claim = await store.claim()
    assert claim.resumed is not None
    assert claim.resumed.answer.startswith("Nobody answered in time.")


@pytest.mark.parametrize("way", ["cancel", "expire"])
async def test_a_task_that_ends_needs_no_answer(store: Parts, way: str) -> None:
    await store.add(expires_at=NOW + SECOND)
    claim = await store.claim()
    question = await asked(store, claim)
    await pause(store, claim)
    await store.deliver_all()
    if way == "cancel":
        await store.queue.cancel(1, "U1", NOW)
    else:
        assert await store.queue.expire(NOW + SECOND) == 1
    assert (await only(store, 1)).ending is Ending.STALE
    assert f"question:{question.id}" in await store.deliver_all(NOW + SECOND), "its message says so"
    with pytest.raises(MoveRefused, match="needs no answer"):
        await store.questions.answer(question.id, "refunds", "U1", "k", NOW)
    assert await store.questions.end_overdue(DEADLINE) == []
    await store.queue.retry(1, "U1", NOW)
    assert (await store.claim()).resumed is None


async def test_a_task_asked_to_stop_does_not_begin_to_wait(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await asked(store, claim)
    await store.queue.cancel(1, "U1", NOW)
    assert (await pause(store, claim)).state is State.CANCELLED
    assert (await only(store, 1)).ending is Ending.STALE


async def test_an_attempt_that_asked_nothing_does_not_wait_for_ever(store: Parts) -> None:
    await store.add()
    assert (await pause(store, await store.claim())).state is State.FAILED


async def test_what_was_lost_while_it_waited_asks_the_same_question_again(store: Parts) -> None:
    task = await store.add()
    first = await asked(store, await store.claim())
    await store.queue.recover(NOW)
    claim = await store.claim()
    assert claim.resumed is None
    again = NewQuestion(QuestionKind.QUESTION, "  which QUEUE first? ")
    same = await asked(store, claim, again)
    assert (same.id, same.attempt, same.ending) == (first.id, 2, None)
    assert (await pause(store, claim)).state is State.WAITING
    assert len(await store.queue.questions(task.id)) == 1


async def test_an_answer_to_a_lost_session_is_there_when_the_next_one_asks(store: Parts) -> None:
    await store.add()
    first = await asked(store, await store.claim())
    await store.queue.recover(NOW)
    await store.questions.answer(first.id, "refunds", "U1", "k", NOW)
    found = await asked(store, await store.claim())
    assert (found.id, found.answer) == (first.id, "refunds")


async def test_another_question_makes_the_one_of_a_lost_session_stale(store: Parts) -> None:
    await store.add()
    first = await asked(store, await store.claim())
    await store.deliver_all()
    await store.queue.recover(NOW)
    other = await asked(store, await store.claim(), OTHER)
    before, after = await store.queue.questions(1)
    assert (before.id, before.ending, after.id, after.ending) == (first.id, Ending.STALE, other.id, None)
    assert f"question:{first.id}" in await store.deliver_all()


async def test_an_attempt_has_one_open_question_and_a_task_a_few(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    question = await asked(store, claim)
    with pytest.raises(MoveRefused, match="another question is open"):
        await asked(store, claim, OTHER)
    await store.questions.answer(question.id, "refunds", "U1", "k0", NOW)
    for number in range(1, MOST):
        more = await asked(store, claim, NewQuestion(QuestionKind.QUESTION, f"question {number}"))
        await store.questions.answer(more.id, "yes", "U1", f"k{number}", NOW)
    with pytest.raises(MoveRefused, match=f"may ask {MOST} questions"):
        await asked(store, claim, OTHER)


async def test_only_the_attempt_that_runs_may_ask(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.queue.recover(NOW)
    with pytest.raises(LeaseLost):
        await asked(store, claim)


@pytest.mark.parametrize(
    ("decision", "again"),
    [(Decision.ONCE, True), (Decision.FOR_TASK, False), (Decision.DENY, False)],
)
async def test_an_approval_for_the_task_holds_and_one_for_once_is_spent(
    store: Parts, decision: Decision, again: bool
) -> None:
    await store.add()
    claim = await store.claim()
    first = await asked(store, claim, RESTART)
    await store.questions.answer(first.id, decision, "U1", "k", NOW)
    assert (await store.questions.take(first.id)).answer == decision
    second = await asked(store, claim, RESTART)
    assert (second.ending is None) is again
    assert (second.id != first.id) is again


async def test_an_approval_for_once_is_not_given_to_two_sessions(store: Parts) -> None:
    question = await waiting(store, new=RESTART)
    await store.questions.answer(question.id, Decision.ONCE, "U1", "k", NOW)
    untouched = await store.claim()
    assert untouched.resumed is not None
    await store.queue.recover(NOW)
    claim = await store.claim()
    assert claim.resumed == untouched.resumed, "that one asked the model nothing"
    await store.ledger.open(claim, "m", NOW)
    await store.queue.recover(NOW)
    await store.ledger.close_open(two_each, NOW)
    claim = await store.claim()
    assert claim.resumed is None, "this one may have acted on it"
    assert (await asked(store, claim, RESTART)).ending is None


async def test_a_resumed_session_that_meets_a_fault_is_resumed_again(store: Parts) -> None:
    question = await waiting(store)
    await store.questions.answer(question.id, "refunds", "U1", "k", NOW)
    claim = await store.claim()
    overloaded = Outcome(Verdict.FAILED, fault=Fault(FaultKind.OVERLOADED))
    await store.queue.settle(claim, overloaded, Settlement(State.HELD, NOW + LEASE), NOW)
    await store.queue.promote(NOW + LEASE)
    assert (await store.claim()).resumed == claim.resumed


async def test_a_second_question_is_gone_on_from_in_its_place(store: Parts) -> None:
    first = await waiting(store)
    await store.questions.answer(first.id, "refunds", "U1", "k1", NOW)
    claim = await store.claim()
    second = await asked(store, claim, OTHER)
    await pause(store, claim, b"more was said")
    await store.questions.answer(second.id, "stop", "U1", "k2", NOW)
    resumed = (await store.claim()).resumed
    assert resumed is not None
    assert (resumed.conversation, resumed.answer.endswith("stop")) == (b"more was said", True)


async def upgrade(store: Parts) -> tuple[Claim, NewQuestion]:
    task = await store.add(priority=9)
    route = raised(task, "too hard", DEFAULT_TABLE)
    return await store.claim(Tier.HAIKU), NewQuestion(QuestionKind.UPGRADE, "too hard", route=route)


@pytest.mark.parametrize("early", [True, False], ids=["before the pause", "after it"])
async def test_a_raised_task_starts_afresh_on_its_new_tier(store: Parts, early: bool) -> None:
    claim, new = await upgrade(store)
    question = await asked(store, claim, new)
    if not early:
        assert (await pause(store, claim)).state is State.WAITING
    await store.questions.answer(question.id, Decision.RAISE, "U1", "k", NOW)
    task = await pause(store, claim) if early else await store.queue.task(1)
    task = await store.queue.task(task.id)
    assert (task.state, task.route.tier) == (State.QUEUED, Tier.SONNET)
    assert task.route.reason == "raised from Haiku by the session: too hard"
    assert task.route.cap_micro_usd == DEFAULT_TABLE[Tier.SONNET].cap_micro_usd
    assert (await store.claim(Tier.SONNET)).resumed is None


async def test_an_upgrade_by_the_settings_asks_nobody(store: Parts) -> None:
    claim, new = await upgrade(store)
    decided = NewQuestion(new.kind, new.text, route=new.route, answer=Decision.RAISE)
    assert (await asked(store, claim, decided)).ending is Ending.ANSWERED
    assert (await pause(store, claim)).state is State.QUEUED
    assert {delivery.kind for delivery in await store.due()} == {DeliveryKind.CARD}


async def test_a_raise_that_a_lost_session_asked_for_is_made(store: Parts) -> None:
    claim, new = await upgrade(store)
    question = await asked(store, claim, new)
    await store.queue.recover(NOW)
    await store.questions.answer(question.id, Decision.RAISE, "U1", "k", NOW)
    assert (await store.claim(Tier.SONNET)).task.id == 1


async def test_a_raise_decided_for_a_lost_session_ends_the_next_one_that_asks_for_it(store: Parts) -> None:
    claim, new = await upgrade(store)
    question = await asked(store, claim, new)
    await store.queue.recover(NOW)
    claim = await store.claim(Tier.HAIKU)
    await store.questions.answer(question.id, Decision.RAISE, "U1", "k1", NOW)
    other = await asked(store, claim, OTHER)
    await store.questions.answer(other.id, "stop", "U1", "k2", NOW)
    assert (await asked(store, claim, new)).raises
    assert (await pause(store, claim)).state is State.QUEUED
    assert (await store.queue.task(1)).route.tier is Tier.SONNET


async def test_another_way_for_a_task_forgets_the_conversation_of_the_old_one(store: Parts) -> None:
    question = await waiting(store)
    await store.questions.answer(question.id, "refunds", "U1", "k", NOW)
    task = await store.queue.task(1)
    route = raised(await store.add("k2", priority=9), "asked", DEFAULT_TABLE)
    assert route
    await store.queue.reroute(task.id, "sonnet", None, route, "U1", NOW)
    assert (await store.claim(Tier.SONNET)).resumed is None
