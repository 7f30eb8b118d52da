"""`ports.Ledger`: every request is booked once, and never as less than it was."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.budget import ALL
from dispatch.errors import LeaseLost, MoveRefused
from dispatch.ports import Spending
from dispatch.states import State
from dispatch.task import Claim, Tier
from dispatch.usage import Price, Unpriced, Usage
from tests.contracts.stores import ADAPTERS, NOW, SECOND, Parts, two_each

USAGE = Usage(1, 2, 3, 4, 5, 6, "priority", "fast", "us")


async def book(
    store: Parts, claim: Claim, price: Price | Unpriced, now: datetime = NOW, usage: Usage = USAGE
) -> int:
    """A request, opened and booked."""
    booking_id = await store.ledger.open(claim, "asked", now)
    await store.ledger.book(
        booking_id,
        model="served",
        request_id=f"req_{booking_id}",
        usage=usage,
        price=price,
        estimated=False,
        now=now,
    )
    return booking_id


async def claimed(store: Parts, key: str = "k", priority: int = 3, tier: Tier = Tier.OPUS) -> Claim:
    """A running task."""
    await store.add(key, priority)
    return await store.claim(tier)


async def test_a_booking_comes_back_exactly(store: Parts) -> None:
    claim = await claimed(store)
    opened = await store.ledger.open(claim, "asked", NOW)
    await store.ledger.book(
        opened,
        model="served",
        request_id="req_7",
        usage=USAGE,
        price=Price(1_234_567, "v9"),
        estimated=True,
        now=NOW + SECOND,
    )
    (booking,) = await store.ledger.bookings(NOW, NOW + 2 * SECOND)
    assert (booking.id, booking.task_id, booking.attempt) == (opened, claim.task.id, 1)
    assert (booking.tier, booking.model, booking.request_id) == (Tier.OPUS, "served", "req_7")
    assert (booking.usage, booking.price, booking.estimated) == (USAGE, Price(1_234_567, "v9"), True)
    assert (booking.opened_at, booking.booked_at) == (NOW, NOW + SECOND)


async def test_an_unknown_price_is_never_zero(store: Parts) -> None:
    claim = await claimed(store)
    await book(store, claim, Unpriced("no price for served"))
    await book(store, claim, Price(0, "v1"))
    unpriced, free = await store.ledger.bookings(NOW, NOW + SECOND)
    assert (unpriced.price, free.price) == (Unpriced("no price for served"), Price(0, "v1"))
    task = await store.queue.task(claim.task.id)
    assert (task.cost_micro_usd, task.unpriced) == (0, 1)


async def test_task_attempts_and_ledger_say_the_same(store: Parts) -> None:
    first = await claimed(store)
    await book(store, first, Price(100, "v1"))
    await book(store, first, Price(23, "v1"))
    await book(store, first, Unpriced("new model"))
    await store.ledger.open(first, "still open", NOW)
    await store.queue.give_back(first, "the bot stops", NOW)
    second = await store.claim()
    await book(store, second, Price(4_000, "v1"), usage=Usage(10, 20))
    task = await store.settle(second, State.DONE)
    assert (task.cost_micro_usd, task.unpriced) == (4_123, 1)
    assert await store.ledger.spent(task.id) == 4_123
    one, two = await store.queue.attempts(task.id)
    assert (one.cost_micro_usd, one.unpriced, one.prompt_tokens, one.output_tokens) == (123, 1, 39, 6)
    assert (two.cost_micro_usd, two.unpriced, two.prompt_tokens, two.output_tokens) == (4_000, 0, 10, 20)


async def test_nothing_is_opened_for_a_claim_that_ended(store: Parts) -> None:
    claim = await claimed(store)
    await store.settle(claim, State.DONE)
    with pytest.raises(LeaseLost):
        await store.ledger.open(claim, "m", NOW)


async def test_what_was_sent_is_booked_even_after_its_attempt_ended(store: Parts) -> None:
    claim = await claimed(store)
    opened = await store.ledger.open(claim, "m", NOW)
    await store.settle(claim, State.CANCELLED)
    await store.ledger.book(
        opened, model="m", request_id="", usage=Usage(), price=Price(5, "v1"), estimated=True, now=NOW
    )
    assert (await store.queue.task(claim.task.id)).cost_micro_usd == 5


async def test_what_is_booked_stays_booked(store: Parts) -> None:
    claim = await claimed(store)
    booked = await book(store, claim, Price(5, "v1"))
    with pytest.raises(MoveRefused):
        await store.ledger.book(
            booked, model="m", request_id="", usage=Usage(), price=Price(9, "v1"), estimated=False, now=NOW
        )
    with pytest.raises(MoveRefused):
        await store.ledger.drop(booked)
    assert await store.ledger.spent(claim.task.id) == 5


async def test_a_refused_request_leaves_no_row(store: Parts) -> None:
    claim = await claimed(store)
    await store.ledger.drop(await store.ledger.open(claim, "m", NOW))
    assert await store.ledger.close_open(two_each, NOW) == 0


async def test_rows_left_open_are_booked_as_unknown_at_the_start(store: Parts) -> None:
    claim = await claimed(store)
    await book(store, claim, Price(5, "v1"))
    await store.ledger.open(claim, "cut", NOW)
    store = await store.reopened()
    assert await store.ledger.close_open(two_each, NOW + SECOND) == 1
    assert await store.ledger.close_open(two_each, NOW + SECOND) == 0
    (left,) = await store.ledger.bookings(NOW + SECOND, NOW + 2 * SECOND)
    assert left.model == "cut"
    assert left.price == Unpriced("the process died before the price was known")
    assert left.estimated
    task = await store.queue.task(claim.task.id)
    assert (task.cost_micro_usd, task.unpriced) == (5, 1)
    await store.close()


async def test_a_row_left_open_is_booked_at_least_at_what_was_noted(store: Parts) -> None:
    claim = await claimed(store)
    line = await store.ledger.open(claim, "asked", NOW)
    await store.ledger.note(line, "served", "req_9", Usage(input_tokens=100, output_tokens=7))
    await store.ledger.note(line, "served", "req_9", Usage(input_tokens=100, output_tokens=20))
    assert await store.ledger.spent(claim.task.id) == 0
    store = await store.reopened()
    assert await store.ledger.close_open(two_each, NOW + SECOND) == 1
    (left,) = await store.ledger.bookings(NOW + SECOND, NOW + 2 * SECOND)
    assert (left.model, left.request_id, left.estimated) == ("served", "req_9", True)
    assert left.price == Price(240, "test-1")
    assert await store.ledger.tokens(claim.task.id) == 120
    await store.close()


async def test_windows_take_their_start_and_leave_their_end(store: Parts) -> None:
    claim = await claimed(store)
    moments = [NOW - timedelta(microseconds=1), NOW, NOW + SECOND - timedelta(microseconds=1), NOW + SECOND]
    for number, moment in enumerate(moments):
        await book(store, claim, Price(10**number, "v1"), moment)
    bookings = await store.ledger.bookings(NOW, NOW + SECOND)
    assert [booking.booked_at for booking in bookings] == moments[1:3]
    assert await store.ledger.spending(NOW, NOW + SECOND) == [Spending(Tier.OPUS, 1, 110, 0)]


async def test_spending_is_summed_by_tier(store: Parts) -> None:
    opus = [await claimed(store, "a"), await claimed(store, "b")]
    haiku = await claimed(store, "c", 9, Tier.HAIKU)
    for claim in [*opus, opus[0]]:
        await book(store, claim, Price(7, "v1"))
    await book(store, haiku, Unpriced("new model"))
    spending = {line.tier: line for line in await store.ledger.spending(NOW, NOW + SECOND)}
    assert spending == {
        Tier.OPUS: Spending(Tier.OPUS, 2, 21, 0),
        Tier.HAIKU: Spending(Tier.HAIKU, 1, 0, 1),
    }


HOUR = NOW.replace(minute=0, second=0, microsecond=0)
MOMENTS = st.builds(
    lambda hours, microseconds: HOUR + timedelta(hours=hours, microseconds=microseconds),
    st.integers(-2, 2),
    st.sampled_from([-1, 0, 1, 1_800_000_000]),
)


@settings(max_examples=25)
@given(
    booked=st.lists(st.tuples(MOMENTS, st.integers(0, 9), st.booleans()), max_size=8),
    since=MOMENTS,
    adapter=st.sampled_from(sorted(ADAPTERS)),
)
async def test_what_was_spent_since_any_moment_is_exact_by_every_scope(
    tmp_path_factory: pytest.TempPathFactory,
    booked: list[tuple[datetime, int, bool]],
    since: datetime,
    adapter: str,
) -> None:
    store = await ADAPTERS[adapter](tmp_path_factory.mktemp("spent"))
    await store.add("ana", requester="UANA", channel="C1")
    ana = await store.claim()
    await store.add("sam", 9, requester="USAM", channel="C2")
    sam = await store.claim(Tier.HAIKU)
    for moment, cost, anas in booked:
        await book(store, ana if anas else sam, Price(cost, "v1") if cost else Unpriced("new"), moment)
    day = await store.ledger.standing(since, HOUR + timedelta(days=1))
    anas_part = sum(cost for moment, cost, anas in booked if anas and moment >= since)
    sams_part = sum(cost for moment, cost, anas in booked if not anas and moment >= since)
    assert {scope: spent for scope, spent in day.spent.items() if spent} == {
        scope: spent
        for scope, spent in {
            ALL: anas_part + sams_part,
            "tier:opus": anas_part,
            "channel:C1": anas_part,
            "person:UANA": anas_part,
            "tier:haiku": sams_part,
            "channel:C2": sams_part,
            "person:USAM": sams_part,
        }.items()
        if spent
    }
    await store.close()


async def test_what_a_channel_has_spent_stays_with_it_when_a_task_moves(store: Parts) -> None:
    claim = await claimed(store)
    await book(store, claim, Price(5, "v1"))
    await store.outbox.move_to(claim.task.id, "D1", NOW)
    await book(store, claim, Price(7, "v1"))
    day = await store.ledger.standing(HOUR, HOUR + timedelta(days=1))
    assert (day.spent["channel:C1"], day.spent["channel:D1"], day.spent[ALL]) == (5, 7, 12)
