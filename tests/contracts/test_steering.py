"""`ports.Steering`, `ports.Line`, `ports.Feedback`: what people do to one task, and what is known of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from dispatch import moving
from dispatch.budget import Budgets, Purse
from dispatch.errors import MoveRefused, NotFound
from dispatch.forecast import InLine, Place, Sample, Seated, Steers, likeness
from dispatch.policy import FRONT, Seating
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import HoldKind, Task, Tier
from dispatch.usage import Price, Unpriced, Usage
from tests.contracts.stores import LEASE, NOW, SECOND, Parts

MONTH = timedelta(days=30)


async def move(store: Parts, task: Task, priority: int, key: str = "", actor: str = "UANA") -> Task:
    decided = moving.reprioritised(task, priority, DEFAULT_TABLE)
    rank = moving.rank(task, priority)
    return await store.queue.reprioritise(task, priority, rank, decided, actor, NOW, key=key)


async def order(store: Parts, tier: Tier) -> list[int]:
    return [one.task_id for one in await store.queue.line(tier, 100)]


async def answered(
    store: Parts, key: str, cost: int | None, seconds: int, priority: int = 3, **more: object
) -> Task:
    """A task that was answered after so long and for so much; None for a request of unknown price."""
    task = await store.add(key, priority, **more)  # type: ignore[arg-type]
    claim = await store.claim(task.route.tier)
    booking = await store.ledger.open(claim, "m", NOW)
    price = Unpriced("unknown") if cost is None else Price(cost, "v1")
    await store.ledger.book(
        booking, model="m", request_id="r", usage=Usage(), price=price, estimated=False, now=NOW
    )
    return await store.settle(claim, State.DONE, NOW + timedelta(seconds=seconds))


async def test_another_priority_is_another_route_rank_and_place(store: Parts) -> None:
    first, second = await store.add("a", 5), await store.add("b", 6)
    other = await store.add("c", 4)
    moved = await move(store, second, 4)
    assert (moved.priority, moved.rank, moved.route.tier, moved.state) == (4, 4, Tier.OPUS, State.QUEUED)
    assert moved.route.reason == "p4 -> Opus"
    assert await order(store, Tier.OPUS) == [other.id, second.id]
    assert await order(store, Tier.SONNET) == [first.id]
    assert await store.queue.steers(second.id) == Steers(6, "UANA", "")


async def test_a_move_that_changes_neither_tier_nor_rank_keeps_the_place(store: Parts) -> None:
    first, _ = await store.add("a", 7), await store.add("b", 7)
    for hours in range(1, 5):
        await store.queue.age(NOW + timedelta(hours=hours))
    old = await store.queue.task(first.id)
    assert old.rank == FRONT
    moved = await move(store, old, 6)
    assert (moved.priority, moved.rank) == (6, FRONT)
    assert (await order(store, Tier.SONNET))[0] == first.id


async def test_the_first_priority_is_remembered_and_who_moved_it_last(store: Parts) -> None:
    task = await store.add("a", 7)
    task = await move(store, task, 6, actor="UANA")
    await move(store, task, 5, actor="USAM")
    assert await store.queue.steers(task.id) == Steers(7, "USAM", "")


async def test_a_move_that_was_worked_out_from_what_is_no_longer_so_is_refused(store: Parts) -> None:
    task = await store.add("a", 7)
    await move(store, task, 6)
    with pytest.raises(MoveRefused, match="has moved on meanwhile"):
        await move(store, task, 6)
    assert (await store.queue.task(task.id)).priority == 6


async def test_what_a_budget_holds_is_asked_for_anew(store: Parts) -> None:
    task = await store.add("a", 6)
    purse = Purse(Budgets(tiers={Tier.SONNET: 1}), NOW, NOW + LEASE)
    assert await store.queue.claim(Tier.SONNET, Seating(9), NOW + LEASE, NOW, purse) is None
    held = await store.queue.task(task.id)
    assert held.hold is HoldKind.BUDGET
    moved = await move(store, held, 4)
    assert (moved.state, moved.hold, moved.shortage) == (State.QUEUED, None, None)
    assert await order(store, Tier.OPUS) == [task.id]


async def test_what_waits_for_its_next_try_goes_on_waiting_at_its_new_priority(store: Parts) -> None:
    await store.add("a", 6)
    retried = await store.settle(await store.claim(Tier.SONNET), State.HELD)
    moved = await move(store, retried, 4)
    assert (moved.state, moved.route.tier, moved.run_at) == (State.HELD, Tier.OPUS, retried.run_at)


@pytest.mark.parametrize("state", [State.DONE, State.FAILED, State.CANCELLED, State.PARKED])
async def test_only_what_waits_is_moved_or_held(store: Parts, state: State) -> None:
    task = await store.ended("a", state)
    with pytest.raises(MoveRefused, match=f"#1 is {state}"):
        await move(store, task, 2)
    with pytest.raises(MoveRefused, match=f"#1 is {state}"):
        await store.queue.hold(task.id, "UANA", NOW)
    with pytest.raises(MoveRefused, match=f"#1 is {state}"):
        await store.queue.let_go(task.id, "UANA", NOW)


async def test_a_running_task_is_neither_moved_nor_held(store: Parts) -> None:
    task = await store.add("a")
    running = (await store.claim()).task
    with pytest.raises(MoveRefused, match="#1 is running"):
        await move(store, running, 2)
    with pytest.raises(MoveRefused, match="#1 is running"):
        await store.queue.hold(task.id, "UANA", NOW)


async def test_what_a_person_holds_waits_for_a_person_alone_and_keeps_its_place(store: Parts) -> None:
    first, second = await store.add("a"), await store.add("b")
    held = await store.queue.hold(first.id, "UANA", NOW)
    assert (held.state, held.hold, held.run_at) == (State.HELD, HoldKind.PERSON, None)
    assert await store.queue.promote(NOW + MONTH) == 0
    assert await order(store, Tier.OPUS) == [second.id]
    assert (await store.queue.steers(first.id)).holder == "UANA"
    freed = await store.queue.let_go(first.id, "USAM", NOW)
    assert (freed.state, freed.hold) == (State.QUEUED, None)
    assert await order(store, Tier.OPUS) == [first.id, second.id]


async def test_what_waits_for_its_next_try_can_be_held_by_a_person(store: Parts) -> None:
    task = await store.add("a")
    await store.settle(await store.claim(), State.HELD)
    held = await store.queue.hold(task.id, "UANA", NOW)
    assert (held.hold, held.run_at) == (HoldKind.PERSON, None)
    with pytest.raises(MoveRefused, match="held already"):
        await store.queue.hold(task.id, "UANA", NOW)


async def test_only_what_a_person_holds_is_released(store: Parts) -> None:
    task = await store.add("a")
    with pytest.raises(MoveRefused, match="nobody holds it"):
        await store.queue.let_go(task.id, "UANA", NOW)
    await store.settle(await store.claim(), State.HELD)
    with pytest.raises(MoveRefused, match="nobody holds it"):
        await store.queue.let_go(task.id, "UANA", NOW)


Again = Callable[[Parts, Task], Awaitable[Task]]


@pytest.mark.parametrize(
    "again",
    [
        lambda store, task: move(store, task, 2, "k"),
        lambda store, task: store.queue.hold(task.id, "UANA", NOW, "k"),
        lambda store, task: store.queue.let_go(task.id, "UANA", NOW, "k"),
        lambda store, task: store.queue.reroute(task.id, None, None, task.route, "UANA", NOW, key="k"),
        lambda store, task: store.queue.retry(task.id, "UANA", NOW, "k"),
    ],
    ids=["reprioritise", "hold", "release", "reroute", "retry"],
)
async def test_a_request_moves_a_task_once_also_after_a_restart(store: Parts, again: Again) -> None:
    task = await store.add("a")
    await move(store, task, 4, "k")
    reopened = await store.reopened()
    before = await reopened.queue.task(task.id)
    with pytest.raises(MoveRefused, match="already"):
        await again(reopened, before)
    assert await reopened.queue.task(task.id) == before
    await reopened.close()


async def test_a_request_that_was_refused_may_be_made_again(store: Parts) -> None:
    task = await store.add("a")
    claim = await store.claim()
    with pytest.raises(MoveRefused):
        await store.queue.hold(task.id, "UANA", NOW, "k")
    await store.queue.give_back(claim, "stopped", NOW)
    assert (await store.queue.hold(task.id, "UANA", NOW, "k")).hold is HoldKind.PERSON


async def test_the_line_says_who_stands_where_and_whose_card_is_seen(store: Parts) -> None:
    first = await store.add("a", 4, requester="UANA")
    second = await store.add("b", 4, requester="USAM", channel="")
    await store.deliver_all()
    third = await store.add("c", 1, requester="UANA")
    assert await store.queue.line(Tier.OPUS, 2) == [
        InLine(third.id, 1, "UANA", carded=False),
        InLine(first.id, 4, "UANA", carded=True),
    ]
    assert (await store.queue.line(Tier.OPUS, 9))[2] == InLine(second.id, 4, "USAM", carded=False)
    assert await store.queue.place(second) == Place(2, 3)
    assert await store.queue.queued_in(Tier.OPUS) == 3
    assert await store.queue.queued_in(Tier.HAIKU) == 0


async def test_who_runs_is_seated_since_its_attempt_began(store: Parts) -> None:
    await store.add("a", requester="UANA")
    assert await store.queue.seated() == []
    claim = await store.claim(now=NOW + SECOND)
    assert await store.queue.seated() == [Seated(claim.task.id, Tier.OPUS, "UANA", NOW + SECOND)]


async def test_answered_tasks_of_a_tier_are_samples_newest_first(store: Parts) -> None:
    await answered(store, "a", 100, 60)
    await answered(store, "b", None, 90)
    await answered(store, "c", 300, 30)
    await answered(store, "d", 5, 5, priority=9)
    await store.ended("e", State.FAILED)
    found = await store.queue.answered(Tier.OPUS, NOW, 10)
    assert found == [Sample(90, None), Sample(60, 100), Sample(30, 300)]
    assert await store.queue.answered(Tier.OPUS, NOW, 2) == found[:2]
    assert await store.queue.answered(Tier.OPUS, NOW + timedelta(seconds=61), 10) == found[:1]


async def test_a_sample_is_all_attempts_of_its_task(store: Parts) -> None:
    await store.add("a")
    await store.settle(await store.claim(), State.HELD, NOW + timedelta(seconds=20))
    later = NOW + timedelta(minutes=5)
    await store.queue.promote(later)
    claim = await store.claim(now=later)
    await store.settle(claim, State.DONE, later + timedelta(seconds=30))
    assert await store.queue.answered(Tier.OPUS, NOW, 10) == [Sample(50, 0)]


async def test_what_was_asked_before_is_found_by_its_likeness(store: Parts) -> None:
    await answered(store, "a", 100, 60)
    await answered(store, "b", 200, 60)
    assert await store.queue.answered(Tier.OPUS, NOW, 10, likeness("Work of  A!", None)) == [Sample(60, 100)]
    assert await store.queue.answered(Tier.HAIKU, NOW, 10, likeness("work of a", None)) == []


async def test_what_everybody_has_spent_is_counted_from_any_moment(store: Parts) -> None:
    await answered(store, "a", 100, 1)
    await answered(store, "b", None, 1)
    await answered(store, "c", 7, 1, priority=9)
    assert await store.queue.spent(NOW.replace(hour=0, minute=0, second=0, microsecond=0)) == 107
    assert await store.queue.spent(NOW) == 107
    assert await store.queue.spent(NOW + SECOND) == 0


async def test_only_seen_cards_of_queued_tasks_are_raised_and_weigh_little(store: Parts) -> None:
    running, *queued = [await store.add(key) for key in "abc"]
    await store.claim()
    await store.deliver_all()
    unseen = await store.add("d")
    everybody = [task.id for task in (running, *queued, unseen)]
    assert await store.queue.raise_cards(everybody, NOW) == 2
    assert [(card.key, card.weight) for card in await store.due()] == [
        ("card:4", 0),
        ("card:2", 1),
        ("card:3", 1),
    ]
    assert await store.queue.raise_cards(everybody, NOW) == 0


async def test_the_last_word_of_each_person_counts(store: Parts) -> None:
    task = await store.ended("a", State.DONE)
    await store.queue.give(task.id, "UANA", True, NOW)
    await store.queue.give(task.id, "USAM", True, NOW + SECOND)
    await store.queue.give(task.id, "UANA", False, NOW + 2 * SECOND)
    assert await store.queue.feedback(task.id) == {"USAM": True, "UANA": False}
    with pytest.raises(NotFound):
        await store.queue.give(99, "UANA", True, NOW)
