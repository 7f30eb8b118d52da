"""What is said to a running task is taken up by its session once, or follows up when that has ended."""

from dataclasses import replace

import pytest

from dispatch import scripts
from dispatch.errors import LeaseLost, MoveRefused
from dispatch.policy import Ration, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.scripts import Script
from dispatch.states import Move, State
from dispatch.task import Claim, NewTask, Outcome, Source, Task, Tier, Verdict
from tests.contracts.stores import NOW, SECOND, Parts


async def says(
    store: Parts, parent: Task, key: str = "reply", meant: int | None = 1, ration: Ration | None = None
) -> Task:
    new = NewTask(
        key,
        Source.MENTION,
        "U1",
        f"and {key}",
        3,
        channel="C1",
        thread="17.1",
        parent=parent.id,
        quote_thread=True,
        adds_to=meant,
    )
    decided = route(3, None, None, DEFAULT_TABLE)
    return (await store.queue.enqueue(new, decided, NOW, ration=ration))[0]


async def runs(store: Parts) -> tuple[Task, Claim]:
    parent = await store.add("parent", thread="17.1")
    return parent, await store.claim()


async def test_a_session_takes_up_what_was_said_once_and_in_order(store: Parts) -> None:
    parent, claim = await runs(store)
    first, second = await says(store, parent, "a"), await says(store, parent, "b")
    assert (first.state, first.behind, first.adds_to) == (State.HELD, 1, 1)
    assert (second.state, second.behind, second.adds_to) == (State.HELD, first.id, 1)
    taken = await store.queue.take_up(claim, NOW)
    assert [(one.words, one.state, one.taken_by) for one in taken] == [
        ("and a", State.CANCELLED, 1),
        ("and b", State.CANCELLED, 1),
    ]
    assert all(one.adds_to is None and one.behind is None and not one.attempt for one in taken)
    assert await store.queue.take_up(claim, NOW) == taken == await store.queue.additions(1)
    steps = [step for step in await store.queue.history(1) if step.move is Move.TAKE_UP]
    assert [(step.actor, step.detail) for step in steps] == [("U1", "#2"), ("U1", "#3")]
    assert (await store.queue.history(first.id))[-1].detail == "taken up by #1"
    assert (await store.queue.task(1)).state is State.RUNNING


async def test_it_is_known_to_the_next_process_and_no_later_attempt_takes_it_again(store: Parts) -> None:
    parent, claim = await runs(store)
    await says(store, parent)
    await store.queue.take_up(claim, NOW)
    store = await store.reopened()
    assert await store.queue.recover(NOW) == 1
    again = await store.claim()
    assert again.attempt == 2
    assert [one.id for one in await store.queue.take_up(again, NOW)] == [2]
    assert len([one for one in await store.queue.history(1) if one.move is Move.TAKE_UP]) == 1


async def test_an_attempt_that_has_lost_its_task_takes_nothing(store: Parts) -> None:
    parent, claim = await runs(store)
    waits = await says(store, parent)
    await store.queue.recover(NOW)
    with pytest.raises(LeaseLost):
        await store.queue.take_up(claim, NOW)
    assert await store.queue.task(waits.id) == waits
    later = await store.claim()
    with pytest.raises(LeaseLost):
        await store.queue.take_up(claim, NOW)
    assert [one.id for one in await store.queue.take_up(later, NOW)] == [waits.id]


@pytest.mark.parametrize("end", [State.DONE, State.FAILED, State.CANCELLED, State.PARKED])
async def test_what_no_session_took_up_is_a_follow_up_when_the_task_has_ended(
    store: Parts, end: State
) -> None:
    parent, claim = await runs(store)
    first, second = await says(store, parent, "a"), await says(store, parent, "b")
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED), Settlement(end), NOW)
    found = await store.queue.task(first.id)
    assert (found.state, found.adds_to, found.taken_by) == (State.QUEUED, None, None)
    own = await store.claim()
    assert own.task.id == first.id
    assert await store.queue.take_up(own, NOW) == [], "what was said to another task is not said to this one"
    assert (await store.queue.task(second.id)).behind == first.id


async def test_it_never_runs_whoever_asks_for_that(store: Parts) -> None:
    parent, claim = await runs(store)
    reply = await says(store, parent)
    await store.queue.take_up(claim, NOW)
    for move in (store.queue.retry, store.queue.let_go, store.queue.hold, store.queue.cancel):
        with pytest.raises(MoveRefused):
            await move(reply.id, "U1", NOW)
    with pytest.raises(MoveRefused, match="taken up by #1"):
        await store.queue.reroute(reply.id, None, None, reply.route, "U1", NOW)
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED), Settlement(State.DONE), NOW)
    await store.queue.promote(NOW + 1_000_000 * SECOND)
    assert (await store.queue.task(reply.id)).state is State.CANCELLED
    assert await store.queue.counts() == {}


async def test_what_waits_behind_it_waits_on_for_the_task(store: Parts) -> None:
    parent, claim = await runs(store)
    await says(store, parent, "a")
    own = await says(store, parent, "b", meant=None)
    assert (own.behind, own.adds_to) == (2, None)
    after = await says(store, parent, "c")
    assert (after.behind, after.adds_to) == (own.id, None), "it is said behind one that runs by itself"
    await store.queue.take_up(claim, NOW)
    assert [(await store.queue.task(n)).behind for n in (own.id, after.id)] == [1, own.id]
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED), Settlement(State.DONE), NOW)
    assert (await store.queue.task(own.id)).state is State.QUEUED


async def test_what_is_said_behind_one_that_ended_is_taken_up_all_the_same(store: Parts) -> None:
    parent, claim = await runs(store)
    ended, last = await says(store, parent, "a"), await says(store, parent, "b")
    await store.queue.cancel(ended.id, "U1", NOW)
    found = await store.queue.task(last.id)
    assert (found.state, found.behind, found.adds_to) == (State.HELD, 1, 1)
    assert [one.id for one in await store.queue.take_up(claim, NOW)] == [last.id]


async def test_what_a_person_let_go_held_or_ended_is_not_taken_up(store: Parts) -> None:
    parent, claim = await runs(store)
    let_go, ended = await says(store, parent, "a"), await says(store, parent, "b")
    await store.queue.cancel(ended.id, "U1", NOW)
    await store.queue.let_go(let_go.id, "U1", NOW)
    await store.queue.hold(let_go.id, "U1", NOW)
    assert await store.queue.take_up(claim, NOW) == []
    assert (await store.queue.task(let_go.id)).state is State.HELD


async def test_a_session_that_is_to_stop_takes_nothing_and_is_told_nothing_more(store: Parts) -> None:
    parent, claim = await runs(store)
    before = await says(store, parent, "a")
    await store.queue.cancel(1, "U1", NOW)
    assert await store.queue.take_up(claim, NOW) == []
    assert (await store.queue.task(before.id)).adds_to == 1
    assert (await says(store, parent, "b", meant=before.id)).adds_to is None


async def test_what_does_not_run_or_is_another_is_not_added_to(store: Parts) -> None:
    parent = await store.add("parent", thread="17.1")
    assert (await says(store, parent, "early")).adds_to is None
    other = await store.add("other", requester="U2")
    await store.claim()
    claim = await store.claim()
    assert claim.task.id == other.id
    assert (await says(store, parent, "astray", meant=other.id)).adds_to is None
    assert await store.queue.take_up(claim, NOW) == []


async def test_a_script_is_not_added_to(store: Parts) -> None:
    new = NewTask("s", Source.SLASH, "U1", "", 3, channel="C1", thread="17.1", script="tidy")
    parent, _ = await store.queue.enqueue(new, scripts.route(Script("tidy", ("true",))), NOW)
    await store.claim(Tier.SCRIPT)
    assert (await says(store, parent)).adds_to is None


async def test_one_that_was_taken_up_is_nothing_that_ended_and_is_in_no_ration(store: Parts) -> None:
    parent, claim = await runs(store)
    ration = Ration(NOW, urgent=None, opus=2)
    await says(store, parent, "a", ration=ration)
    await store.queue.take_up(claim, NOW)
    assert await store.queue.ended_tasks(NOW, NOW + SECOND) == []
    assert (await says(store, parent, "b", ration=ration)).adds_to == 1


async def test_the_card_of_one_that_was_taken_up_is_due_and_nothing_else(store: Parts) -> None:
    parent, claim = await runs(store)
    await says(store, parent)
    await store.deliver_all()
    await store.queue.take_up(claim, NOW)
    assert [one.key for one in await store.due()] == ["card:2"]


async def test_the_same_reply_again_changes_nothing(store: Parts) -> None:
    parent, claim = await runs(store)
    await says(store, parent)
    (taken,) = await store.queue.take_up(claim, NOW)
    assert await says(store, parent) == taken
    assert replace(taken, taken_by=None) != taken
