"""`ports.Queue`: who is next in line, and what never gets there."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.budget import Budgets, Purse
from dispatch.errors import MoveRefused, NotAdmitted
from dispatch.policy import AGEING, FRONT, Quota, Seating
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import HoldKind, NewTask, Source, Task, Tier
from dispatch.usage import MICRO_USD, Price, Usage
from tests.contracts.stores import ADAPTERS, LEASE, NOW, SECOND, Parts

MIDNIGHT = NOW + timedelta(hours=15)
ALL_SEATS = Seating(99)
SEATS = dict.fromkeys(Tier, 9)


async def names(store: Parts, tier: Tier = Tier.OPUS, seating: Seating = ALL_SEATS) -> list[str]:
    """The keys of everything that can be claimed now, in the order it is claimed."""
    keys = []
    while claim := await store.queue.claim(tier, seating, NOW + LEASE, NOW):
        keys.append(claim.task.request_key)
    return keys


async def test_requesters_of_one_priority_take_turns(store: Parts) -> None:
    for number in range(4):
        await store.add(f"ana{number}", 3, requester="UANA")
    for number in range(2):
        await store.add(f"sam{number}", 3, requester="USAM")
    await store.add("urgent", 1, requester="UANA")
    assert await names(store) == ["urgent", "ana0", "sam0", "ana1", "sam1", "ana2", "ana3"]


async def test_who_comes_late_is_not_behind_a_whole_flood(store: Parts) -> None:
    for number in range(6):
        await store.add(f"ana{number}", 3, requester="UANA")
    assert [(await store.claim()).task.request_key for _ in range(3)] == ["ana0", "ana1", "ana2"]
    await store.add("sam0", 3, requester="USAM")
    assert await names(store) == ["sam0", "ana3", "ana4", "ana5"]


@settings(max_examples=25)
@given(
    crowd=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=14),
    adapter=st.sampled_from(sorted(ADAPTERS)),
)
async def test_requesters_are_dealt_one_each_round_after_round(
    tmp_path_factory: pytest.TempPathFactory, crowd: list[tuple[str, int]], adapter: str
) -> None:
    store = await ADAPTERS[adapter](tmp_path_factory.mktemp("line"))
    for number, (who, priority) in enumerate(crowd):
        await store.add(f"{priority}:{who}:{number}", priority, requester=who)
    order = await names(store)
    assert sorted(order) == sorted(f"{priority}:{who}:{n}" for n, (who, priority) in enumerate(crowd))
    assert [key[0] for key in order] == sorted(key[0] for key in order), "priority is strict"
    for rank in "1234":
        line = [key.split(":")[1] for key in order if key.startswith(rank)]
        rounds = [line[:place].count(who) for place, who in enumerate(line)]
        assert rounds == sorted(rounds), "nobody's second before everybody's first"
    await store.close()


async def test_who_goes_back_to_the_queue_keeps_the_place(store: Parts) -> None:
    await store.add("first", 3)
    claim = await store.claim()
    await store.add("second", 3, requester="USAM")
    await store.queue.give_back(claim, "stopped", NOW)
    await store.add("third", 3, requester="USAM")
    assert await names(store) == ["first", "second", "third"]


async def test_a_seat_is_kept_for_the_urgent(store: Parts) -> None:
    for number, priority in enumerate([4, 4, 4]):
        await store.add(f"k{number}", priority)
    assert await names(store, seating=Seating(3, kept=1)) == ["k0", "k1"]
    await store.add("urgent", 2)
    assert await names(store, seating=Seating(3, kept=1)) == ["urgent"]


async def test_one_requester_has_only_so_many_seats(store: Parts) -> None:
    for number in range(3):
        await store.add(f"ana{number}", 3, requester="UANA")
    await store.add("sam", 4, requester="USAM")
    assert await names(store, seating=Seating(9, per_requester=2)) == ["ana0", "ana1", "sam"]
    assert (await store.queue.counts())[State.QUEUED] == 1


async def test_waiting_moves_a_rank_up_and_never_the_priority_or_tier(store: Parts) -> None:
    old = await store.add("old", 10, requester="UANA")
    now = NOW
    for _ in range(12):
        now += AGEING
        await store.queue.age(now)
    aged = await store.queue.task(old.id)
    assert (aged.rank, aged.priority, aged.route) == (FRONT, 10, old.route)
    await store.add("fresh", 8, requester="USAM", now=now)
    await store.add("urgent", 2, requester="USAM", model="haiku", now=now)
    urgent = await store.queue.reroute(3, "haiku", None, route(2, "haiku", None, DEFAULT_TABLE), "U1", now)
    assert urgent.route.tier is Tier.HAIKU
    assert await names(store, Tier.HAIKU) == ["urgent", "old", "fresh"]


async def test_nothing_ages_before_its_time_or_while_it_runs(store: Parts) -> None:
    await store.add("k", 9)
    assert await store.queue.age(NOW + AGEING - SECOND) == 0
    await store.claim(Tier.HAIKU)
    assert await store.queue.age(NOW + 10 * AGEING) == 0


async def test_a_stale_task_is_expired_and_never_claimed(store: Parts) -> None:
    stale = await store.add("stale", 3, expires_at=NOW + SECOND)
    await store.add("fresh", 4)
    later = NOW + 2 * SECOND
    claim = await store.queue.claim(Tier.OPUS, ALL_SEATS, later + LEASE, later)
    assert claim is not None
    assert claim.task.request_key == "fresh"
    assert await store.queue.expire(later) == 1
    assert await store.queue.expire(later) == 0
    assert (await store.queue.task(stale.id)).state is State.EXPIRED
    again = await store.queue.retry(stale.id, "U1", later)
    assert (again.state, again.expires_at) == (State.QUEUED, None)


async def test_a_running_task_is_not_expired_under_its_session(store: Parts) -> None:
    await store.add("k", 3, expires_at=NOW + SECOND)
    claim = await store.claim()
    assert await store.queue.expire(NOW + 2 * SECOND) == 0
    assert (await store.settle(claim, State.DONE)).state is State.DONE


async def test_as_many_may_wait_as_the_quota_says(store: Parts) -> None:
    async def ask(key: str, who: str = "UANA", quota: Quota = Quota(2, 3)) -> Task:  # noqa: B008
        new = NewTask(key, Source.SLASH, who, "words", 3, channel="C1")
        task, _ = await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW, quota)
        return task

    first = await ask("a")
    await ask("b")
    with pytest.raises(NotAdmitted, match="2 is the most for one person"):
        await ask("c")
    assert (await ask("a")).id == first.id, "the same request again is not one more"
    await ask("d", "USAM")
    with pytest.raises(NotAdmitted, match="slash"):
        await ask("e", "UKIM")
    await store.claim()
    await ask("f")
    assert sum((await store.queue.counts()).values()) == 4


def purse(everybody: int) -> Purse:
    return Purse(Budgets(everybody=everybody), NOW - timedelta(hours=9), MIDNIGHT)


async def test_a_task_without_room_in_a_budget_is_held_and_the_next_is_taken(store: Parts) -> None:
    big = await store.add("big", 3)
    small = await store.add("small", 4, cap_micro_usd=MICRO_USD)
    cheap = route(4, None, MICRO_USD, DEFAULT_TABLE)
    await store.queue.reroute(small.id, None, MICRO_USD, cheap, "U1", NOW)
    first = await store.queue.claim(Tier.OPUS, ALL_SEATS, NOW + LEASE, NOW, purse(4 * MICRO_USD))
    assert first is not None
    assert first.task.id == big.id
    assert first.limit_micro_usd == 4 * MICRO_USD, "p1 to p4 take what is left"
    assert await store.queue.claim(Tier.OPUS, ALL_SEATS, NOW + LEASE, NOW, purse(4 * MICRO_USD)) is None
    held = await store.queue.task(small.id)
    assert (held.state, held.hold, held.run_at, held.attempt) == (State.HELD, HoldKind.BUDGET, MIDNIGHT, 0)
    assert held.shortage is not None
    assert held.shortage.reserved_micro_usd == 4 * MICRO_USD
    assert await store.queue.release(purse(4 * MICRO_USD), SEATS, NOW) == 0
    line = await store.ledger.open(first, "m", NOW)
    await store.ledger.book(
        line,
        model="m",
        request_id="r",
        usage=Usage(1, 1),
        price=Price(MICRO_USD, "v"),
        estimated=False,
        now=NOW,
    )
    await store.settle(first, State.DONE)
    assert await store.queue.release(purse(4 * MICRO_USD), dict.fromkeys(Tier, 0), NOW) == 0, "no seat"
    assert await store.queue.release(purse(4 * MICRO_USD), SEATS, NOW) == 1
    second = await store.queue.claim(Tier.OPUS, ALL_SEATS, NOW + LEASE, NOW, purse(4 * MICRO_USD))
    assert second is not None
    assert (second.task.id, second.limit_micro_usd) == (small.id, MICRO_USD)


async def test_many_without_room_do_not_stand_before_one_who_has_it(store: Parts) -> None:
    short = Purse(Budgets(everybody=MICRO_USD, people={"U1": 1}), NOW - timedelta(hours=9), MIDNIGHT)
    for number in range(300):
        await store.add(f"u{number}", 9)
    last = await store.add("last", 10, requester="U2")
    urgent = await store.add("urgent", 8, requester="U3")
    first = await store.queue.claim(Tier.HAIKU, ALL_SEATS, NOW + LEASE, NOW, short)
    assert first is not None
    assert first.task.id == urgent.id
    for _ in range(4):
        assert await store.queue.claim(Tier.HAIKU, ALL_SEATS, NOW + LEASE, NOW, short) is None
    assert (await store.queue.task(last.id)).state is State.HELD
    await store.settle(first, State.DONE)
    assert await store.queue.release(short, SEATS, NOW) == 1
    assert (await store.queue.task(last.id)).state is State.QUEUED


async def test_what_a_budget_holds_runs_when_its_day_is_over(store: Parts) -> None:
    task = await store.add("k", 9)
    assert await store.queue.claim(Tier.HAIKU, ALL_SEATS, NOW + LEASE, NOW, purse(1)) is None
    assert await store.queue.promote(MIDNIGHT) == 1
    queued = await store.queue.task(task.id)
    assert (queued.state, queued.hold, queued.shortage) == (State.QUEUED, None, None)


async def test_a_running_task_cannot_be_sent_another_way(store: Parts) -> None:
    task = await store.add()
    await store.claim()
    with pytest.raises(MoveRefused):
        await store.queue.reroute(task.id, "haiku", None, task.route, "U1", NOW)


async def test_what_waits_and_what_is_under_way(store: Parts) -> None:
    assert await store.queue.waiting() == []
    for number in range(3):
        await store.add(f"k{number}", 3)
    claim = await store.claim()
    (line,) = await store.queue.waiting()
    assert (line.tier, line.tasks, line.first.request_key) == (Tier.OPUS, 2, "k1")
    assert (line.running, line.last_start) == (1, NOW)
    booking = await store.ledger.open(claim, "m", NOW)
    await store.ledger.note(booking, "m", "r", Usage(input_tokens=900, output_tokens=100))
    (running,) = await store.queue.under_way()
    assert (running.task.id, running.started_at, running.tokens) == (claim.task.id, NOW, 1000)


async def test_what_holds_a_task_is_noted_anew_where_it_has_changed(store: Parts) -> None:
    for number in range(3):
        await store.add(f"k{number}", 6)
        assert await store.queue.claim(Tier.SONNET, ALL_SEATS, NOW + LEASE, NOW, purse(MICRO_USD)) is None
    await store.deliver_all()
    assert await store.queue.restate(purse(MICRO_USD), 9, NOW) == 0
    assert await store.due() == []
    assert await store.queue.restate(purse(MICRO_USD // 2), 2, NOW) == 2
    limits = [(await store.queue.task(number)).shortage for number in (1, 2, 3)]
    assert [short and short.limit_micro_usd for short in limits] == [500_000, 500_000, MICRO_USD]
    assert await store.deliver_all() == ["card:1", "card:2"]
    assert await store.queue.restate(purse(99 * MICRO_USD), 9, NOW) == 0, (
        "there is room: only a seat is missing"
    )
    assert {(await store.queue.task(number)).state for number in (1, 2, 3)} == {State.HELD}
