"""`ports.Queue`: what people may do to a task, and what each move tells them."""

import pytest

from dispatch.delivery import DeliveryKind
from dispatch.errors import MoveRefused
from dispatch.states import State
from dispatch.task import Task, Verdict
from tests.contracts.stores import LEASE, NOW, SECOND, Parts


async def card_revision(store: Parts, task: Task) -> int:
    """The revision of the task's card that is due."""
    return next(delivery.revision for delivery in await store.due() if delivery.key == f"card:{task.id}")


async def test_cancelling_what_does_not_run_is_done_at_once(store: Parts) -> None:
    queued = await store.add("queued")
    cancelled = await store.queue.cancel(queued.id, "U1", NOW + SECOND)
    assert (cancelled.state, cancelled.finished_at) == (State.CANCELLED, NOW + SECOND)
    await store.add("held")
    held = await store.settle(await store.claim(), State.HELD)
    cancelled = await store.queue.cancel(held.id, "U1", NOW)
    assert (cancelled.state, cancelled.run_at) == (State.CANCELLED, None)
    assert await store.queue.promote(NOW + LEASE) == 0
    kinds = {delivery.kind for delivery in await store.due()}
    assert kinds == {DeliveryKind.CARD}


async def test_cancelling_a_running_task_asks_its_session_once(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    asked = await store.queue.cancel(claim.task.id, "U1", NOW)
    assert (asked.state, asked.cancel_asked) == (State.RUNNING, True)
    revision = await card_revision(store, asked)
    assert await store.queue.cancel(claim.task.id, "U2", NOW) == asked
    assert await card_revision(store, asked) == revision
    settled = await store.settle(claim, State.CANCELLED)
    assert settled.state is State.CANCELLED
    assert await store.deliver_all() == [f"card:{asked.id}", f"answer:{asked.id}:1"]


async def test_a_task_asked_to_stop_is_never_put_back_to_wait(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.queue.cancel(claim.task.id, "U1", NOW)
    settled = await store.settle(claim, State.HELD)
    assert (settled.state, settled.run_at) == (State.CANCELLED, None)


async def test_a_task_that_answers_before_it_stops_is_done(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.queue.cancel(claim.task.id, "U1", NOW)
    assert (await store.settle(claim, State.DONE)).state is State.DONE


@pytest.mark.parametrize("way", ["recover", "sweep", "give back"])
async def test_a_lost_task_that_was_asked_to_stop_is_cancelled(store: Parts, way: str) -> None:
    task = await store.add()
    claim = await store.claim()
    await store.queue.cancel(task.id, "U1", NOW)
    if way == "recover":
        assert await store.queue.recover(NOW) == 1
    elif way == "sweep":
        assert await store.queue.sweep(NOW + LEASE) == 1
    else:
        await store.queue.give_back(claim, "the bot stops", NOW)
    assert (await store.queue.task(task.id)).state is State.CANCELLED
    (attempt,) = await store.queue.attempts(task.id)
    assert attempt.verdict is Verdict.CANCELLED
    assert await store.deliver_all(NOW + LEASE) == [f"card:{task.id}", f"answer:{task.id}:1"]


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED])
async def test_what_has_ended_cannot_be_cancelled(store: Parts, state: State) -> None:
    task = await store.ended("k", state)
    with pytest.raises(MoveRefused, match=f"#{task.id} is {state}"):
        await store.queue.cancel(task.id, "U1", NOW)
    assert await store.queue.task(task.id) == task


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.PARKED])
async def test_what_ended_without_an_answer_can_be_retried(store: Parts, state: State) -> None:
    task = await store.ended("k", state)
    again = await store.queue.retry(task.id, "U2", NOW + SECOND)
    assert (again.state, again.finished_at, again.cancel_asked) == (State.QUEUED, None, False)
    claim = await store.claim()
    assert (claim.task.id, claim.attempt) == (task.id, 2)


async def test_a_retry_forgets_that_it_was_asked_to_stop(store: Parts) -> None:
    await store.add()
    claim = await store.claim()
    await store.queue.cancel(claim.task.id, "U1", NOW)
    await store.settle(claim, State.CANCELLED)
    await store.queue.retry(claim.task.id, "U1", NOW)
    assert not (await store.claim()).task.cancel_asked


async def test_done_stays_done(store: Parts) -> None:
    task = await store.ended("k", State.DONE)
    with pytest.raises(MoveRefused, match="new task"):
        await store.queue.retry(task.id, "U1", NOW)


async def test_what_has_not_ended_cannot_be_retried(store: Parts) -> None:
    task = await store.add()
    with pytest.raises(MoveRefused, match="is queued"):
        await store.queue.retry(task.id, "U1", NOW)
    await store.claim()
    with pytest.raises(MoveRefused, match="is running"):
        await store.queue.retry(task.id, "U1", NOW)


async def test_every_move_asks_for_the_card_again(store: Parts) -> None:
    task = await store.add()
    revisions = [await card_revision(store, task)]
    claim = await store.claim()
    revisions.append(await card_revision(store, task))
    await store.queue.progress(claim, "reading", NOW)
    revisions.append(await card_revision(store, task))
    held = await store.settle(claim, State.HELD)
    revisions.append(await card_revision(store, task))
    assert held.run_at is not None
    await store.queue.promote(held.run_at)
    revisions.append(await card_revision(store, task))
    claim = await store.claim()
    await store.queue.give_back(claim, "the bot stops", NOW)
    revisions.append(await card_revision(store, task))
    await store.queue.cancel(task.id, "U1", NOW)
    revisions.append(await card_revision(store, task))
    await store.queue.retry(task.id, "U1", NOW)
    revisions.append(await card_revision(store, task))
    assert revisions == sorted(set(revisions))


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.PARKED])
async def test_an_end_is_answered_after_its_card(store: Parts, state: State) -> None:
    task = await store.ended("k", state)
    assert await store.deliver_all() == [f"card:{task.id}", f"answer:{task.id}:1"]


async def test_a_wait_is_told_by_the_card_alone(store: Parts) -> None:
    task = await store.ended("k", State.HELD)
    assert await store.deliver_all() == [f"card:{task.id}"]


async def test_a_restart_is_told(store: Parts) -> None:
    task = await store.add()
    await store.claim()
    await store.queue.recover(NOW)
    assert await store.deliver_all() == [f"card:{task.id}", f"restart:{task.id}:1"]


async def test_one_request_has_a_task_run_again_once_over_a_restart_too(store: Parts) -> None:
    task = await store.ended("k", State.FAILED)
    assert (await store.queue.retry(task.id, "U1", NOW, "T1:C1:7.1")).state is State.QUEUED
    await store.settle(await store.claim(), State.FAILED)
    store = await store.reopened()
    with pytest.raises(MoveRefused, match="already"):
        await store.queue.retry(task.id, "U1", NOW, "T1:C1:7.1")
    assert (await store.queue.task(task.id)).state is State.FAILED
    assert (await store.queue.retry(task.id, "U1", NOW, "T1:C1:7.2")).state is State.QUEUED
    await store.close()


async def test_a_refused_retry_leaves_its_request_free(store: Parts) -> None:
    task = await store.add()
    with pytest.raises(MoveRefused, match="nothing to retry"):
        await store.queue.retry(task.id, "U1", NOW, "T1:C1:7.1")
    await store.settle(await store.claim(), State.FAILED)
    assert (await store.queue.retry(task.id, "U1", NOW, "T1:C1:7.1")).state is State.QUEUED


async def test_each_attempt_is_answered_by_itself(store: Parts) -> None:
    task = await store.ended("k", State.FAILED)
    await store.queue.retry(task.id, "U1", NOW)
    await store.settle(await store.claim(), State.DONE)
    sent = await store.deliver_all()
    assert sent == [f"card:{task.id}", f"answer:{task.id}:1", f"answer:{task.id}:2"]
    verdicts = [attempt.verdict for attempt in await store.queue.attempts(task.id)]
    assert verdicts == [Verdict.FAILED, Verdict.ANSWERED]


async def test_a_task_without_a_channel_tells_nobody(store: Parts) -> None:
    await store.add(channel="")
    await store.settle(await store.claim(), State.DONE)
    assert await store.due() == []
    assert await store.outbox.next_due() is None
