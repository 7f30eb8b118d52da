"""What is asked twice waits in the store, over restarts, and its answer is due once to each who follows."""

from dispatch.delivery import DeliveryKind
from dispatch.policy import DECIDE, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import NewTask, Outcome, Source, Task, Verdict
from tests.contracts.stores import NOW, SECOND, Parts


async def ask(store: Parts, key: str, requester: str = "U1", channel: str = "C1") -> Task:
    new = NewTask(key, Source.SLASH, requester, "tidy", 3, channel=channel, unless_alike=True)
    return (await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW))[0]


async def shared(store: Parts, number: int) -> list[str]:
    """The keys of the answers due to a follower."""
    found = list[str]()
    while due := await store.due(NOW + SECOND):
        for delivery in due:
            if delivery.task_id == number and delivery.kind is DeliveryKind.ANSWER:
                found.append(f"{delivery.key} {delivery.body}")
            await store.outbox.sent(delivery.id, delivery.revision, f"1.{delivery.id}", NOW)
    return found


async def test_the_same_request_again_is_the_same_held_task(store: Parts) -> None:
    await ask(store, "first")
    held = await ask(store, "second", "U2")
    store = await store.reopened()
    assert await ask(store, "second", "U2") == held
    assert (held.alike, held.run_at) == (1, NOW + DECIDE)


async def test_without_a_word_it_runs_over_restarts(store: Parts) -> None:
    await ask(store, "first")
    await ask(store, "second")
    store = await store.reopened()
    assert await store.queue.promote(NOW + DECIDE - SECOND) == 0
    assert await store.queue.promote(NOW + DECIDE) == 1
    task = await store.queue.task(2)
    assert (task.state, task.alike, task.hold) == (State.QUEUED, None, None)


async def test_each_follower_is_told_once_of_each_end(store: Parts) -> None:
    await ask(store, "first")
    claim = await store.claim()
    for key in ("second", "third"):
        held = await ask(store, key, "U2")
        await store.queue.follow(held.id, "U2", NOW, f"press:{key}")
    store = await store.reopened()
    await store.queue.settle(claim, Outcome(Verdict.FAILED), Settlement(State.FAILED), NOW)
    assert await shared(store, 2) == ["shared:2:1:1:failed 1"]
    await store.queue.retry(1, "U1", NOW)
    await store.queue.settle(await store.claim(), Outcome(Verdict.ANSWERED, "x"), Settlement(State.DONE), NOW)
    assert await shared(store, 3) == ["shared:3:1:2:done 1"]
    assert {(await store.queue.task(number)).state for number in (2, 3)} == {State.CANCELLED}


async def test_a_follower_that_runs_after_all_follows_no_more(store: Parts) -> None:
    await ask(store, "first")
    claim = await store.claim()
    held = await ask(store, "second")
    await store.queue.follow(held.id, "U1", NOW)
    await store.queue.retry(held.id, "U1", NOW)
    await store.queue.settle(claim, Outcome(Verdict.ANSWERED, "x"), Settlement(State.DONE), NOW)
    assert await shared(store, held.id) == []
