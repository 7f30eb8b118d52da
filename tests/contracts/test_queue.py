"""`ports.Queue`: storing, claiming and ending tasks."""

from datetime import timedelta

import pytest

from dispatch.errors import LeaseLost, NotFound
from dispatch.faults import Fault, FaultKind
from dispatch.forecast import Place
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import NewTask, Outcome, Source, Tier, Verdict
from tests.contracts.stores import LEASE, NOW, SECOND, Parts


async def test_a_task_comes_back_exactly_as_it_was_asked(store: Parts) -> None:
    parent = await store.add("parent")
    new = NewTask(
        "k2",
        Source.FOLLOW_UP,
        "U2",
        'drain the 🐢 queue; it\'s "slow"',
        7,
        model="haiku",
        cap_micro_usd=2_000_001,
        channel="C7",
        thread="17.1",
        message="17.2",
        quote_thread=True,
        parent=parent.id,
        depth=1,
    )
    decided = route(7, "haiku", 2_000_001, DEFAULT_TABLE)
    task, created = await store.queue.enqueue(new, decided, NOW)
    assert created
    assert task == await store.queue.task(task.id)
    assert (task.request_key, task.source, task.requester, task.words) == ("k2", new.source, "U2", new.words)
    assert (task.priority, task.asked_model, task.asked_cap_micro_usd) == (7, "haiku", 2_000_001)
    assert task.route == decided
    assert (task.channel, task.thread, task.message, task.quote_thread) == ("C7", "17.1", "17.2", True)
    assert (task.parent, task.depth, task.attempt, task.strikes) == (parent.id, 1, 0, 0)
    assert task.created_at == task.updated_at == NOW
    assert (task.run_at, task.finished_at, task.cancel_asked) == (None, None, False)
    assert (task.state, task.cost_micro_usd, task.unpriced) == (State.QUEUED, 0, 0)
    assert await store.queue.children(parent.id) == 1


async def test_the_same_request_twice_is_one_task(store: Parts) -> None:
    first = await store.add("same")
    new = NewTask("same", Source.MENTION, "U9", "other words", 9, channel="C9")
    task, created = await store.queue.enqueue(new, route(9, None, None, DEFAULT_TABLE), NOW + SECOND)
    assert not created
    assert task == first
    assert [delivery.key for delivery in await store.due(NOW + SECOND)] == [f"card:{first.id}"]
    assert (await store.add("next")).id == first.id + 1


async def test_a_request_seen_again_after_its_end_still_is_that_task(store: Parts) -> None:
    done = await store.ended("same", State.DONE)
    assert await store.add("same") == done


async def test_no_such_task(store: Parts) -> None:
    with pytest.raises(NotFound, match="#99"):
        await store.queue.task(99)
    with pytest.raises(NotFound):
        await store.queue.hold(99, "U1", NOW)
    with pytest.raises(NotFound):
        await store.queue.cancel(99, "U1", NOW)
    with pytest.raises(NotFound):
        await store.queue.retry(99, "U1", NOW)


async def test_the_most_urgent_is_claimed_first_then_the_oldest(store: Parts) -> None:
    for key, priority in [("a", 4), ("b", 1), ("c", 4), ("d", 1), ("e", 2)]:
        await store.add(key, priority)
    claimed = [(await store.claim()).task.request_key for _ in range(5)]
    assert claimed == ["b", "d", "e", "a", "c"]
    assert await store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW) is None


async def test_seats_are_kept_for_each_tier_by_itself(store: Parts) -> None:
    for number in range(3):
        await store.add(f"o{number}", 3)
        await store.add(f"h{number}", 9)
    first = await store.claim(Tier.OPUS, seats=2)
    await store.claim(Tier.OPUS, seats=2)
    assert await store.queue.claim(Tier.OPUS, Seating(2), NOW + LEASE, NOW) is None
    assert (await store.claim(Tier.HAIKU, seats=1)).task.route.tier is Tier.HAIKU
    assert await store.queue.claim(Tier.HAIKU, Seating(1), NOW + LEASE, NOW) is None
    assert await store.queue.claim(Tier.SONNET, Seating(9), NOW + LEASE, NOW) is None
    await store.settle(first, State.DONE)
    await store.claim(Tier.OPUS, seats=2)


async def test_a_claim_carries_its_number_and_opens_an_attempt(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    assert (claim.attempt, claim.lease_until) == (1, NOW + LEASE)
    assert claim.task == await store.queue.task(claim.task.id)
    assert (claim.task.state, claim.task.attempt) == (State.RUNNING, 1)
    (attempt,) = await store.queue.attempts(claim.task.id)
    assert (attempt.number, attempt.model, attempt.started_at) == (1, claim.task.route.model, NOW)
    assert (attempt.ended_at, attempt.verdict, attempt.fault, attempt.text) == (None, None, None, "")


async def test_an_answer_ends_the_attempt_and_the_task(store: Parts) -> None:
    await store.add()
    task = await store.settle(await store.claim(), State.DONE, NOW + SECOND)
    assert (task.state, task.finished_at, task.run_at) == (State.DONE, NOW + SECOND, None)
    (attempt,) = await store.queue.attempts(task.id)
    assert (attempt.verdict, attempt.ended_at) == (Verdict.ANSWERED, NOW + SECOND)
    assert (attempt.text, attempt.ran_model, attempt.fault) == ("the answer", "model-as-served", None)


async def test_a_fault_is_kept_as_it_was(store: Parts) -> None:
    await store.add()
    fault = Fault(FaultKind.RATE_LIMITED, "slow down", 12.5)
    held = Settlement(State.HELD, NOW + LEASE, strike=False)
    task = await store.queue.settle(await store.claim(), Outcome(Verdict.FAILED, fault=fault), held, NOW)
    assert (task.state, task.run_at, task.finished_at, task.strikes) == (State.HELD, NOW + LEASE, None, 0)
    assert (await store.queue.attempts(task.id))[0].fault == fault


async def test_a_strike_counts_until_a_retry_forgets_it(store: Parts) -> None:
    await store.add()
    outcome = Outcome(Verdict.FAILED, fault=Fault(FaultKind.UNKNOWN))
    failed = Settlement(State.FAILED, strike=True)
    task = await store.queue.settle(await store.claim(), outcome, failed, NOW)
    assert task.strikes == 1
    assert (await store.queue.retry(task.id, "U1", NOW)).strikes == 0


async def test_nothing_held_is_claimed_before_its_time(store: Parts) -> None:
    await store.add()
    held = await store.settle(await store.claim(), State.HELD)
    assert held.run_at is not None
    assert await store.queue.promote(held.run_at - SECOND) == 0
    assert await store.queue.claim(Tier.OPUS, Seating(9), NOW + LEASE, NOW) is None
    assert await store.queue.promote(held.run_at) == 1
    assert await store.queue.promote(held.run_at) == 0
    again = await store.claim(now=held.run_at)
    assert (again.task.id, again.attempt, again.task.run_at) == (held.id, 2, None)
    assert [attempt.number for attempt in await store.queue.attempts(held.id)] == [1, 2]


async def test_a_lease_lost_writes_nothing_more(store: Parts) -> None:
    await store.add()
    old = await store.claim()
    assert await store.queue.renew(old, NOW + 2 * LEASE)
    assert await store.queue.sweep(NOW + 2 * LEASE - SECOND) == 0
    assert await store.queue.sweep(NOW + 2 * LEASE) == 1
    new = await store.claim(now=NOW + 3 * LEASE)
    before = await store.queue.task(new.task.id)

    assert not await store.queue.renew(old, NOW + 9 * LEASE)
    with pytest.raises(LeaseLost, match=f"#{old.task.id}"):
        await store.settle(old, State.DONE)
    with pytest.raises(LeaseLost):
        await store.queue.progress(old, "still here", NOW)
    with pytest.raises(LeaseLost):
        await store.queue.give_back(old, "late", NOW)
    with pytest.raises(LeaseLost):
        await store.ledger.open(old, "m", NOW)

    assert await store.queue.task(new.task.id) == before
    lost, running = await store.queue.attempts(new.task.id)
    assert (lost.verdict, running.verdict, running.progress) == (Verdict.LOST, None, "")
    await store.settle(new, State.DONE)


async def test_a_settled_task_is_not_settled_again(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    done = await store.settle(claim, State.DONE)
    with pytest.raises(LeaseLost):
        await store.settle(claim, State.FAILED)
    assert await store.queue.task(done.id) == done


async def test_progress_is_noted_on_the_attempt(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.queue.progress(claim, "reading 3 files", NOW)
    await store.queue.progress(claim, "reading 14 files", NOW)
    assert (await store.queue.attempts(claim.task.id))[0].progress == "reading 14 files"


async def test_a_task_given_back_keeps_its_place(store: Parts) -> None:
    task = await store.add("first")
    claim = await store.claim()
    await store.add("second")
    await store.queue.give_back(claim, "the bot stops", NOW)
    assert (await store.queue.task(task.id)).strikes == 0
    again = await store.claim()
    assert (again.task.id, again.attempt) == (task.id, 2)
    lost = (await store.queue.attempts(task.id))[0]
    assert (lost.verdict, lost.fault) == (Verdict.LOST, Fault(FaultKind.LOST, "the bot stops"))


async def test_recovery_queues_every_running_task_whatever_its_lease(store: Parts) -> None:
    for number in range(3):
        await store.add(f"k{number}")
    claims = [await store.claim(), await store.claim()]
    store = await store.reopened()
    assert await store.queue.recover(NOW) == 2
    assert await store.queue.recover(NOW) == 0
    assert await store.queue.counts() == {State.QUEUED: 3}
    for claim in claims:
        assert not await store.queue.renew(claim, NOW + LEASE)
        (attempt,) = await store.queue.attempts(claim.task.id)
        assert attempt.verdict is Verdict.LOST
    await store.close()


async def test_open_tasks_show_the_running_first_then_by_urgency(store: Parts) -> None:
    for key, priority in [("ends", 1), ("held", 2), ("runs", 3), ("late", 4), ("later", 4)]:
        await store.add(key, priority)
    await store.settle(await store.claim(), State.DONE)
    await store.settle(await store.claim(), State.HELD)
    await store.claim()
    shown = [(task.request_key, task.state) for task in await store.queue.open_tasks(10)]
    assert shown == [
        ("runs", State.RUNNING),
        ("held", State.HELD),
        ("late", State.QUEUED),
        ("later", State.QUEUED),
    ]
    assert [task.request_key for task in await store.queue.open_tasks(2)] == ["runs", "held"]
    assert await store.queue.counts() == {State.RUNNING: 1, State.HELD: 1, State.QUEUED: 2}


async def test_what_ended_last_comes_first(store: Parts) -> None:
    tasks = [await store.add(f"k{number}") for number in range(4)]
    for number in (2, 0, 1):
        await store.queue.cancel(tasks[number].id, "U1", NOW + number * SECOND)
    assert [task.id for task in await store.queue.last_ended(2)] == [tasks[2].id, tasks[1].id]


async def test_ended_tasks_are_those_of_the_window(store: Parts) -> None:
    for number in range(3):
        await store.add(f"k{number}")
    ends = [NOW, NOW + timedelta(microseconds=1), NOW + SECOND]
    for at in ends:
        await store.settle(await store.claim(), State.DONE, at)
    ended = await store.queue.ended_tasks(NOW, NOW + SECOND)
    assert [task.finished_at for task in ended] == ends[:2]


async def test_a_place_counts_what_goes_before_in_the_tier(store: Parts) -> None:
    tasks = [await store.add(key, priority) for key, priority in [("a", 4), ("b", 1), ("c", 4), ("d", 9)]]
    assert [await store.queue.place(task) for task in tasks] == [
        Place(1, 3),
        Place(0, 3),
        Place(2, 3),
        Place(0, 1),
    ]
    await store.claim()
    assert await store.queue.place(tasks[2]) == Place(1, 2)
