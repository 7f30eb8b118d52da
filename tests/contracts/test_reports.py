"""`ports.Reports`: what digests and bills are counted from equals the ledger, whatever the window."""

from datetime import datetime, timedelta

import pytest

from dispatch.budget import Budgets, Purse
from dispatch.faults import FaultKind
from dispatch.findings import AttemptEnd, FirstStart, Thumb
from dispatch.policy import Seating
from dispatch.states import State
from dispatch.task import HoldKind, Tier, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.contracts.stores import NOW, Parts
from tests.contracts.test_duplicates import ask

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
USAGE = Usage(100, 10, 5, 3, 2)


async def spend(
    store: Parts,
    key: str,
    at: datetime,
    price: Price | Unpriced,
    *,
    state: State = State.DONE,
    **task: object,
) -> int:
    """A task that starts and ends then, after one request of that price."""
    tier = Tier.OPUS if task.get("priority", 3) == 3 else Tier.HAIKU
    made = await store.add(key, now=at - timedelta(seconds=30), **task)  # type: ignore[arg-type]
    claim = await store.claim(tier, now=at)
    line = await store.ledger.open(claim, "m", at)
    await store.ledger.book(
        line, model="m", request_id=key, usage=USAGE, price=price, estimated=False, now=at
    )
    await store.settle(claim, state, at + timedelta(seconds=40))
    return made.id


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (timedelta(), DAY),
        (timedelta(minutes=30), DAY - timedelta(minutes=15)),
        (timedelta(minutes=10), timedelta(minutes=50)),
        (timedelta(minutes=50), timedelta(minutes=70)),
        (timedelta(microseconds=1), 2 * HOUR),
        (HOUR, HOUR),
    ],
    ids=["a day", "cut hours", "within an hour", "over an hour's end", "all but its start", "nothing"],
)
async def test_what_was_spent_between_is_what_the_ledger_booked(
    store: Parts, since: timedelta, until: timedelta
) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    ats = [timedelta(), timedelta(minutes=30), timedelta(minutes=59, seconds=59), HOUR, 5 * HOUR, 23.5 * HOUR]
    for number, at in enumerate(ats):
        await spend(store, f"k{number}", midnight + at, Price(10**number, "v"))
    window = midnight + since, midnight + until
    booked = sum(
        one.price.micro_usd for one in await store.ledger.bookings(*window) if isinstance(one.price, Price)
    )
    spent = await store.ledger.spent_between(*window)
    assert spent.get("all", 0) == spent.get("tier:opus", 0) == spent.get("person:U1", 0) == booked
    assert sum(line.micro_usd for line in await store.ledger.spending_of_channel("C1", *window)) == booked
    assert await store.ledger.spending_of_channel("C2", *window) == []


async def test_what_has_no_price_is_counted_by_channel_and_person(store: Parts) -> None:
    await spend(store, "before", NOW - DAY, Unpriced("new"))
    await spend(store, "a", NOW, Unpriced("new"))
    await spend(store, "b", NOW + HOUR, Unpriced("new"), requester="U2")
    await spend(store, "priced", NOW + 2 * HOUR, Price(7, "v"), channel="C2")
    await spend(store, "after", NOW + DAY, Unpriced("new"))
    assert await store.ledger.unpriced_between(NOW, NOW + DAY) == {
        "channel:C1": 2,
        "person:U1": 1,
        "person:U2": 1,
    }


async def test_tasks_and_attempts_of_the_window_and_no_others(store: Parts) -> None:
    await spend(store, "before", NOW - DAY, Price(5, "v"))
    failed = await spend(store, "failed", NOW, Unpriced("new"), state=State.FAILED)
    done = await spend(store, "done", NOW + HOUR, Price(7, "v"))
    await spend(store, "after", NOW + DAY, Price(5, "v"))
    window = NOW, NOW + DAY
    assert [task.id for task in await store.ledger.booked_tasks(*window)] == [failed, done]
    ends = [timedelta(seconds=40), timedelta(seconds=40) + HOUR]
    assert list(await store.ledger.booked_attempts(*window)) == [
        AttemptEnd(failed, 1, NOW, NOW + ends[0], Verdict.FAILED, FaultKind.UNKNOWN),
        AttemptEnd(done, 1, NOW + HOUR, NOW + ends[1], Verdict.ANSWERED, None),
    ]
    assert list(await store.ledger.first_starts(*window)) == [
        FirstStart(failed, 3, "C1", timedelta(seconds=30)),
        FirstStart(done, 3, "C1", timedelta(seconds=30)),
    ]


async def test_a_second_attempt_is_no_first_start(store: Parts) -> None:
    await store.add("k1")
    await store.settle(await store.claim(), State.HELD)
    await store.queue.promote(NOW + HOUR)
    await store.claim(now=NOW + HOUR)
    assert len(await store.ledger.first_starts(NOW, NOW + DAY)) == 1
    assert await store.ledger.first_starts(NOW + timedelta(seconds=1), NOW + DAY) == []


async def test_open_tasks_of_a_channel(store: Parts) -> None:
    await store.add("k1")
    await store.add("k2", channel="C2")
    await store.ended("k3", State.DONE)
    assert await store.ledger.open_in_channel("C2") == 1
    assert await store.ledger.open_in_channel("C3") == 0


async def test_a_bill_has_a_line_for_each_task_page_by_page(store: Parts) -> None:
    await spend(store, "before", NOW - DAY, Price(5, "v"))
    ids = [
        await spend(store, "a", NOW, Price(7, "v")),
        await spend(store, "b", NOW + HOUR, Unpriced("new")),
        await spend(store, "c", NOW + 2 * HOUR, Price(9, "v"), priority=9),
    ]
    await spend(store, "after", NOW + DAY, Price(5, "v"))
    window = NOW, NOW + DAY
    newest = await store.ledger.newest_billed(*window)
    assert newest == ids[-1]
    first = list(await store.ledger.bill(*window, 0, newest, 2))
    rest = list(await store.ledger.bill(*window, ids[1], newest, 2))
    assert [line.task.id for line in first + rest] == ids
    assert [(line.micro_usd, line.unpriced) for line in first + rest] == [(7, 0), (None, 1), (9, 0)]
    assert rest[0].started_at == NOW + 2 * HOUR
    tokens = rest[0]
    assert (tokens.input_tokens, tokens.output_tokens) == (100, 10)
    assert (tokens.cache_read_tokens, tokens.cache_write_tokens) == (5, 5)
    assert await store.ledger.bill(*window, newest, newest, 2) == []
    assert await store.ledger.newest_billed(NOW + 9 * DAY, NOW + 10 * DAY) == 0


async def waited(store: Parts) -> dict[int, timedelta]:
    """How long each task has waited for its first start, by number."""
    starts = await store.ledger.first_starts(NOW, NOW + DAY)
    return {start.task_id: start.waited for start in starts}


async def test_while_a_person_holds_it_or_it_has_ended_a_task_does_not_wait(store: Parts) -> None:
    minute = timedelta(minutes=1)
    held, again = await store.add("k1"), await store.add("k2")
    await store.queue.hold(held.id, "U1", NOW + 2 * minute)
    await store.queue.cancel(again.id, "U1", NOW + 3 * minute)
    await store.queue.let_go(held.id, "U1", NOW + 32 * minute)
    await store.queue.retry(again.id, "U1", NOW + 3 * HOUR)
    for _ in range(2):
        await store.settle(await store.claim(now=NOW + 4 * HOUR), State.FAILED, NOW + 5 * HOUR)
    await store.queue.retry(held.id, "U1", NOW + 7 * HOUR)
    await store.claim(now=NOW + 8 * HOUR)
    assert await waited(store) == {held.id: 4 * HOUR - 30 * minute, again.id: HOUR + 3 * minute}


async def test_what_was_told_apart_followed_or_stood_behind_another_waits_only_in_line(store: Parts) -> None:
    minute = timedelta(minutes=1)
    first = await store.add("k1", thread="1.1")
    behind = await store.add("k2", now=NOW + minute, parent=first.id, quote_thread=True, thread="1.1")
    assert behind.behind == first.id
    claim = await store.claim(now=NOW + minute)
    await store.settle(claim, State.DONE, NOW + 10 * minute)
    assert (await store.claim(now=NOW + 12 * minute)).task.id == behind.id
    assert await waited(store) == {first.id: minute, behind.id: 2 * minute}


async def test_who_ran_after_all_did_not_wait_while_it_followed(store: Parts) -> None:
    minute = timedelta(minutes=1)
    leader, follower = [await ask(store, key) for key in ("first", "second")]
    assert follower.alike == leader.id
    await store.queue.follow(follower.id, "U1", NOW + minute)
    await store.settle(await store.claim(now=NOW + minute), State.FAILED, NOW + HOUR)
    await store.queue.retry(follower.id, "U1", NOW + 2 * HOUR)
    await store.claim(now=NOW + 2 * HOUR + minute)
    assert await waited(store) == {leader.id: minute, follower.id: minute}


async def test_what_no_budget_has_room_for_waits(store: Parts) -> None:
    task, soon = await store.add("k1"), timedelta(minutes=1)
    nothing = Purse(Budgets(everybody=5_000_000, urgent=5_000_000), NOW - HOUR, NOW + 12 * HOUR)
    assert await store.queue.claim(Tier.OPUS, Seating(9), NOW + HOUR, NOW + soon, nothing) is None
    assert (await store.queue.task(task.id)).hold is HoldKind.BUDGET
    await store.queue.release(Purse(Budgets(), NOW - HOUR, NOW + 12 * HOUR), {Tier.OPUS: 9}, NOW + HOUR)
    await store.claim(now=NOW + HOUR + soon)
    assert await waited(store) == {task.id: HOUR + soon}


async def test_thumbs_are_those_given_in_the_window_and_of_each_person_the_last(store: Parts) -> None:
    first = await store.ended("k1", State.DONE)
    other = await store.add("k2", channel="C2")
    await store.queue.give(first.id, "U1", liked=True, now=NOW)
    await store.queue.give(first.id, "U2", liked=True, now=NOW)
    await store.queue.give(other.id, "U1", liked=False, now=NOW + HOUR)
    await store.queue.give(first.id, "U1", liked=False, now=NOW + DAY)
    window = NOW, NOW + DAY
    assert set(await store.ledger.thumbs(*window)) == {
        Thumb(first.id, "C1", liked=True),
        Thumb(other.id, "C2", liked=False),
    }
    assert len(await store.ledger.thumbs(NOW, NOW + 2 * DAY)) == 3
