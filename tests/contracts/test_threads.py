"""What people say in a task's thread waits, over restarts, until the task before it has ended."""

from datetime import datetime

import pytest

from dispatch.policy import Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import HoldKind, NewTask, Outcome, Source, Task, Verdict
from tests.contracts.stores import NOW, SECOND, Parts


async def says(
    store: Parts,
    parent: Task,
    key: str = "reply",
    source: Source = Source.MENTION,
    expires_at: datetime | None = None,
) -> Task:
    new = NewTask(
        key,
        source,
        "U1",
        "and now?",
        3,
        channel="C1",
        thread="17.1",
        parent=parent.id,
        quote_thread=True,
        expires_at=expires_at,
    )
    return (await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW))[0]


@pytest.mark.parametrize("end", [State.DONE, State.FAILED, State.PARKED, State.CANCELLED])
async def test_it_is_queued_when_the_task_before_it_ends_however_that_ends(store: Parts, end: State) -> None:
    parent = await store.add("parent", thread="17.1")
    claim = await store.claim()
    follow_up = await says(store, parent)
    assert (follow_up.state, follow_up.hold, follow_up.behind) == (State.HELD, HoldKind.PERSON, parent.id)
    store = await store.reopened()
    await store.queue.promote(NOW + 1_000_000 * SECOND)
    assert (await store.queue.task(follow_up.id)).state is State.HELD
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED), Settlement(end), NOW)
    found = await store.queue.task(follow_up.id)
    assert (found.state, found.hold, found.behind) == (State.QUEUED, None, None)
    assert (await store.claim()).task.id == follow_up.id


async def test_it_goes_on_waiting_while_the_task_is_tried_again(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    claim = await store.claim()
    follow_up = await says(store, parent)
    await store.queue.give_back(claim, "stopped", NOW)
    await store.queue.recover(NOW)
    assert (await store.queue.task(follow_up.id)).behind == parent.id
    await store.queue.cancel(parent.id, "U1", NOW)
    assert (await store.queue.task(follow_up.id)).state is State.QUEUED


async def test_one_that_ended_meanwhile_stays_ended(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    follow_up = await says(store, parent)
    await store.queue.cancel(follow_up.id, "U1", NOW)
    await store.queue.cancel(parent.id, "U1", NOW)
    assert (await store.queue.task(follow_up.id)).state is State.CANCELLED


async def test_who_stood_behind_one_that_ended_waits_for_what_that_waited_for(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    claim = await store.claim()
    between, last = await says(store, parent, "a"), await says(store, parent, "b")
    await store.deliver_all()
    await store.queue.cancel(between.id, "U1", NOW)
    found = await store.queue.task(last.id)
    assert (found.state, found.behind) == (State.HELD, parent.id)
    assert f"card:{last.id}" in await store.deliver_all(), "its card names another task to wait for"
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED), Settlement(State.DONE), NOW)
    assert (await store.queue.task(last.id)).state is State.QUEUED


async def test_all_who_are_given_up_at_once_leave_the_order_as_it_was(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    await store.claim()
    for key in "ab":
        await says(store, parent, key, expires_at=NOW + SECOND)
    last = await says(store, parent, "c")
    assert await store.queue.expire(NOW + SECOND) == 2
    assert (await store.queue.task(last.id)).behind == parent.id


async def test_one_that_is_held_by_a_person_after_its_turn_stays_held(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    follow_up = await says(store, parent)
    await store.queue.let_go(follow_up.id, "U1", NOW)
    held = await store.queue.hold(follow_up.id, "U1", NOW)
    assert held.behind is None
    await store.queue.cancel(parent.id, "U1", NOW)
    assert (await store.queue.task(follow_up.id)).state is State.HELD


async def test_what_a_session_asked_for_and_other_threads_hold_nobody_up(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    await store.queue.cancel(parent.id, "U1", NOW)
    await store.add("elsewhere", thread="17.2")
    child = await says(store, parent, "child", Source.FOLLOW_UP)
    assert child.state is State.QUEUED
    assert (await says(store, parent)).state is State.QUEUED


async def test_a_thread_tells_its_newest_tasks(store: Parts) -> None:
    for key in ("a", "b", "c"):
        await store.add(key, thread="17.1")
    await store.add("elsewhere", thread="17.2")
    assert [task.request_key for task in await store.queue.in_thread("C1", "17.1", 2)] == ["b", "c"]
    assert await store.queue.in_thread("C2", "17.1", 2) == []
