"""The path of a task on a real database, with sessions that a test holds in its hand."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.budget import Budgets
from dispatch.delivery import DeliveryKind
from dispatch.faults import Fault, FaultKind
from dispatch.gates import GateState
from dispatch.policy import Seating
from dispatch.questions import NewQuestion, QuestionKind
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.store import Store
from dispatch.task import Claim, HoldKind, Outcome, Tier, Verdict
from dispatch.usage import MICRO_USD
from dispatch.worker import LEASE
from tests.integration.work_room import Place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(tmp_path / "onequeue.db")
    place = Place(store)
    loop = asyncio.create_task(place.worker.run())
    yield place
    await place.worker.drain(timedelta(0))
    await loop
    await store.close()


async def test_a_task_runs_settles_and_has_its_reply_due(place: Place) -> None:
    number = await place.add(quote_thread=True)
    await place.seats.wait_started(1)
    assert await place.state(number) is State.RUNNING
    session = place.seats.started[0]
    assert session.prompt == "investigate stall\n\n> ana: it stalls"
    assert (session.model, session.wall_clock) == ("claude-opus-5-5", timedelta(minutes=30))
    assert place.gateway.inside == {number}
    place.seats.end(number)
    await place.idle()
    assert await place.state(number) is State.DONE
    assert place.gateway.inside == set()
    assert place.notifier.woken >= 2
    (attempt,) = await place.store.queue.attempts(number)
    assert (attempt.text, attempt.ran_model, attempt.verdict) == ("42", "claude-opus-5-5", Verdict.ANSWERED)
    card = next(iter(await place.store.outbox.due(place.clock.now(), 10)))
    assert card.kind is DeliveryKind.CARD
    await place.store.outbox.sent(card.id, card.revision, "1.1", place.clock.now())
    (answer,) = await place.store.outbox.due(place.clock.now(), 10)
    assert (answer.kind, answer.thread) == (DeliveryKind.ANSWER, "1.1")


async def test_seats_are_kept_and_the_most_urgent_goes_first(place: Place) -> None:
    numbers = [await place.add(4) for _ in range(3)]
    await place.seats.wait_started(2)
    assert [await place.state(number) for number in numbers] == [State.RUNNING, State.RUNNING, State.QUEUED]
    urgent = await place.add(1)
    await place.seats.wait_started(3)
    assert place.seats.started[2].task_id == urgent, "a seat is kept for p1 and p2"
    more = await place.add(2)
    small = await place.add(9)
    await place.seats.wait_started(4)
    assert place.seats.started[3].task_id == small, "another tier has its own seats"
    place.seats.end(small)
    place.seats.end(numbers[0])
    await place.seats.wait_started(5)
    assert place.seats.started[4].task_id == more, "the most urgent goes first"
    assert DEFAULT_TABLE[Tier.OPUS].seats == 3


async def test_cancel_stops_the_session_and_books_the_verdict(place: Place) -> None:
    number = await place.add()
    await place.seats.wait_started(1)
    task = await place.store.queue.cancel(number, "UANA00001", place.clock.now())
    assert task.state is State.RUNNING
    place.worker.interrupt(number)
    await place.idle()
    assert await place.state(number) is State.CANCELLED
    (attempt,) = await place.store.queue.attempts(number)
    assert attempt.verdict is Verdict.CANCELLED


async def test_a_cancel_that_came_before_the_session_is_seen_before_it_costs(place: Place) -> None:
    await place.worker.drain(timedelta(0))
    number = await place.add()
    now = place.clock.now()
    claim = await place.store.queue.claim(Tier.OPUS, Seating(2), now + LEASE, now)
    assert claim is not None
    await place.store.queue.cancel(number, "UANA00001", now)
    await place.worker.run_one(claim)
    assert await place.state(number) is State.CANCELLED
    assert place.seats.started == []


async def test_a_task_that_asked_leaves_its_seat_and_goes_on_with_the_answer(place: Place) -> None:
    numbers = [await place.add(4) for _ in range(3)]
    await place.seats.wait_started(2)
    first, now = place.seats.started[0], place.clock.now()
    claim = Claim(await place.store.queue.task(first.task_id), first.attempt, now, 1)
    new = NewQuestion(QuestionKind.QUESTION, "Which first?")
    question = await place.store.questions.ask(claim, new, now + timedelta(hours=4), now)
    place.seats.end(first.task_id, Outcome(Verdict.ASKED, "so far", conversation=b"talk"))
    await place.seats.wait_started(3)
    assert await place.state(first.task_id) is State.WAITING
    assert place.seats.started[2].task_id == numbers[2], "its seat is free"
    assert (await place.store.queue.task(first.task_id)).strikes == 0
    await place.store.questions.answer(question.id, "refunds", "UANA00001", "k", now)
    place.seats.end(numbers[1])
    await place.seats.wait_started(4)
    session = place.seats.started[3]
    assert (session.task_id, session.attempt) == (first.task_id, 2)
    assert session.resumed is not None
    assert session.resumed.conversation == b"talk"
    assert session.resumed.answer.endswith("refunds")
    assert "> Which first?" in session.prompt, "a runner that cannot resume begins with what was said"


async def test_a_runtime_fault_waits_and_a_task_fault_ends(place: Place) -> None:
    cut, refused = await place.add(), await place.add()
    await place.seats.wait_started(2)
    place.seats.end(cut, Outcome(Verdict.FAILED, fault=Fault(FaultKind.NETWORK)))
    place.seats.end(refused, Outcome(Verdict.FAILED, fault=Fault(FaultKind.REFUSAL)))
    await place.idle()
    assert await place.state(cut) is State.HELD
    assert await place.state(refused) is State.FAILED
    assert await place.store.queue.promote(place.clock.now()) == 0
    assert await place.store.queue.promote(place.clock.now() + timedelta(seconds=15)) == 1
    assert (await place.store.queue.task(cut)).strikes == 0


async def test_a_rate_limit_stops_its_tier_until_the_time_named_and_no_other(place: Place) -> None:
    limited = await place.add(4)
    await place.seats.wait_started(1)
    place.seats.end(limited, Outcome(Verdict.FAILED, fault=Fault(FaultKind.RATE_LIMITED, retry_after=60)))
    await place.idle()
    behind, elsewhere = await place.add(4), await place.add(6)
    await place.seats.wait_started(2)
    assert place.seats.started[1].task_id == elsewhere
    assert [await place.state(n) for n in (limited, behind)] == [State.QUEUED, State.QUEUED]
    assert (await place.store.queue.task(limited)).strikes == 0
    place.clock.advance(timedelta(seconds=67))
    place.worker.wake()
    await place.seats.wait_started(3)
    assert place.seats.started[2].task_id == behind, "the probe is another task than the one that failed"
    assert await place.state(limited) is State.QUEUED, "there is one probe"
    place.seats.end(behind)
    await place.seats.wait_started(4)
    assert place.seats.started[3].task_id == limited
    assert (await place.store.gates.all())["opus"].state is GateState.OPEN


async def test_a_refused_key_stops_everything_on_the_first_sight_and_resume_tries_again(place: Place) -> None:
    first = await place.add(4)
    await place.seats.wait_started(1)
    place.seats.end(first, Outcome(Verdict.FAILED, fault=Fault(FaultKind.AUTHENTICATION, "refused")))
    await place.idle()
    others = [await place.add(priority) for priority in (1, 5, 9)]
    await place.store.gates.resume(place.clock.now())
    place.worker.wake()
    await place.seats.wait_started(2)
    states = [await place.state(number) for number in (first, *others)]
    assert sorted(states) == [*[State.QUEUED] * 3, State.RUNNING], "one finds out for all"
    place.seats.end(place.seats.started[1].task_id)
    await place.seats.wait_started(5)


async def test_a_task_without_room_in_the_budget_waits_and_the_next_one_runs(place: Place) -> None:
    place.worker._terms = replace(place.worker._terms, budgets=Budgets(everybody=13 * MICRO_USD))
    first, waits, small = await place.add(4), await place.add(5), await place.add(9)
    await place.seats.wait_started(2)
    assert {session.task_id for session in place.seats.started} == {first, waits}
    await place.until(small, State.HELD)
    held = await place.store.queue.task(small)
    assert (held.state, held.hold) == (State.HELD, HoldKind.BUDGET)
    assert held.shortage is not None
    assert (held.shortage.scope, held.shortage.reserved_micro_usd) == ("all", 13 * MICRO_USD)
    place.seats.end(waits)
    await place.seats.wait_started(3)
    assert place.seats.started[2].task_id == small, "what was not spent is free again"


async def test_an_unreadable_thread_is_no_fault_of_the_task(place: Place) -> None:
    place.quotes.broken = True
    number = await place.add(quote_thread=True)
    async with asyncio.timeout(5):
        while await place.state(number) is not State.HELD:
            await asyncio.wait(place.worker._paths or {asyncio.create_task(place.store.queue.counts())})
    assert place.seats.started == []


async def test_the_lease_is_renewed_while_the_session_lives(place: Place) -> None:
    number = await place.add()
    await place.seats.wait_started(1)
    for _ in range(6):
        place.clock.advance(LEASE / 3)
        async with asyncio.timeout(5):
            while not place.clock.sleeping:
                await place.store.queue.counts()
    assert await place.store.queue.sweep(place.clock.now()) == 0
    assert await place.state(number) is State.RUNNING


async def test_a_worker_that_lost_its_lease_writes_nothing(place: Place) -> None:
    number = await place.add()
    await place.seats.wait_started(1)
    later = place.clock.now() + 2 * LEASE
    assert await place.store.queue.sweep(later) == 1
    place.clock.advance(LEASE / 3)
    await place.seats.wait_started(2)
    first, second = await place.store.queue.attempts(number)
    assert first.verdict is Verdict.LOST
    assert second.verdict is None
    place.seats.end(number)
    await place.idle()
    assert await place.state(number) is State.DONE


async def test_an_attempt_that_ends_late_does_not_end_the_one_that_took_over(place: Place) -> None:
    number = await place.add()
    await place.seats.wait_started(1)
    assert await place.store.queue.sweep(place.clock.now() + 2 * LEASE) == 1
    place.worker.wake()
    await place.seats.wait_started(2)
    place.clock.advance(LEASE / 3)
    async with asyncio.timeout(5):
        while place.worker.running > 1:
            await place.store.queue.counts()
    assert place.worker.alive == {(number, 2)}
    place.seats.end(number)
    await place.idle()
    assert await place.state(number) is State.DONE
    assert [run.verdict for run in await place.store.queue.attempts(number)] == [
        Verdict.LOST,
        Verdict.ANSWERED,
    ]


async def test_drain_lets_sessions_end_and_puts_the_rest_back(place: Place) -> None:
    ends, stays = await place.add(), await place.add()
    await place.seats.wait_started(2)
    draining = asyncio.create_task(place.worker.drain(timedelta(seconds=0.2)))
    place.seats.end(ends)
    await draining
    assert await place.state(ends) is State.DONE
    assert await place.state(stays) is State.QUEUED
    (attempt,) = await place.store.queue.attempts(stays)
    assert attempt.verdict is Verdict.LOST
    waiting = await place.add()
    assert await place.state(waiting) is State.QUEUED
