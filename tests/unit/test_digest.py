from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking import Booking
from dispatch.digest import (
    DayBar,
    Facts,
    Money,
    PartyLine,
    TierLine,
    Waste,
    WasteLine,
    due,
    newest_due,
    summarise,
    window,
)
from dispatch.findings import AttemptEnd, Thumb
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Verdict
from dispatch.usage import Price, Unpriced, Usage
from tests.fakes.values import NOON, make_booking, make_task

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Beirut",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
TODAY = NOON.date()
TIMES = [time(9), time(0, 0), time(2, 30)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", TIMES, ids=str)
def test_a_year_of_days_each_told_once_and_never_early(zone: str, at: time) -> None:
    tz = ZoneInfo(zone)
    told: list[date] = []
    now = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    last = newest_due(now, tz, at)
    while now < datetime(2027, 1, 2, tzinfo=UTC):
        if span := due(last, now, tz, at):
            assert span[0] == span[1], "a tick every quarter of an hour leaves no day behind"
            assert window(*span, tz)[1] <= now, "the day has ended"
            last = span[1]
            told.append(last)
            local = now.astimezone(tz)
            assert local.date() == last + timedelta(days=1)
            assert local.time() >= at
            assert local.replace(tzinfo=None) - datetime.combine(local.date(), at) <= timedelta(minutes=90)
        now += timedelta(minutes=15)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(told))
    assert len(told) in (365, 366, 367)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(TIMES),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 40),
)
def test_after_downtime_one_digest_covers_all_that_was_missed(
    zone: str, at: time, now: datetime, missed: int
) -> None:
    tz = ZoneInfo(zone)
    newest = newest_due(now, tz, at)
    span = due(newest - timedelta(days=missed), now, tz, at)
    assert span == ((newest - timedelta(days=missed - 1), newest) if missed else None)


@given(st.sampled_from(ZONES), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_neighbouring_windows_touch(zone: str, day: date) -> None:
    tz = ZoneInfo(zone)
    assert window(day, day, tz)[1] == window(day + timedelta(days=1), day + timedelta(days=1), tz)[0]


BOOKINGS = st.lists(
    st.builds(
        make_booking,
        number=st.integers(1, 10**6),
        task_id=st.integers(1, 12),
        attempt=st.integers(1, 3),
        tier=st.sampled_from(MODEL_TIERS),
        price=st.one_of(
            st.builds(Price, st.integers(0, 10**8), st.just("v")), st.just(Unpriced("new model"))
        ),
    ),
    max_size=60,
)


VERDICTS = st.sampled_from([*Verdict, None])
ATTEMPTS = [(task_id, number) for task_id in range(1, 13) for number in range(1, 4)]


def facts(bookings: Sequence[Booking] = (), **changes: Any) -> Facts:
    """What a digest is counted from, with twelve tasks of three people in four channels."""
    tasks = {
        number: make_task(number, requester=f"U{number % 3}", channel=f"C{number % 4}", attempt=3)
        for number in range(1, 13)
    }
    attempts = [made_attempt(*key) for key in ATTEMPTS]
    given = {"tasks": tasks, "attempts": attempts, "ended": list(tasks.values()), "starts": ()}
    return Facts(bookings, **{**given, "open_count": 0, "chart": [DayBar(TODAY, {})], **changes})


def made_attempt(task_id: int, number: int, verdict: Verdict | None = Verdict.FAILED) -> AttemptEnd:
    """An attempt of half a minute."""
    ended = NOON + timedelta(seconds=30) if verdict else None
    return AttemptEnd(task_id, number, NOON, ended, verdict, None)


def per_token(_: str, usage: Usage, at: datetime) -> Price:
    """A micro-dollar for each token of input."""
    return Price(usage.input_tokens, "v")


def summed(lines: Iterable[TierLine | PartyLine | WasteLine]) -> Money:
    return sum((line.money for line in lines), Money())


@given(BOOKINGS, st.lists(VERDICTS, min_size=len(ATTEMPTS), max_size=len(ATTEMPTS)))
def test_every_part_adds_up_to_the_total(bookings: list[Booking], verdicts: list[Verdict | None]) -> None:
    attempts = [made_attempt(*key, verdict) for key, verdict in zip(ATTEMPTS, verdicts, strict=True)]
    digest = summarise((TODAY, TODAY), facts(bookings, attempts=attempts), DEFAULT_TABLE, per_token)
    priced = [booking.price.micro_usd for booking in bookings if isinstance(booking.price, Price)]
    assert digest.total == Money(sum(priced), len(bookings) - len(priced))
    assert summed(digest.tiers) == summed(digest.people) == summed(digest.channels) == digest.total
    assert digest.delivered + digest.undelivered == digest.total
    assert summed(digest.waste) == digest.undelivered
    assert sum(line.attempts for line in digest.waste) == digest.undelivered_attempts
    cards = Counter[int]()
    for booking in bookings:
        cards[booking.task_id] += booking.price.micro_usd if isinstance(booking.price, Price) else 0
    assert [money.micro_usd for _, money in digest.dearest] == sorted(cards.values(), reverse=True)[:5]
    answered = {(one.task_id, one.number) for one in attempts if one.verdict in ("answered", "asked")}
    assert digest.delivered.micro_usd == sum(
        booking.price.micro_usd
        for booking in bookings
        if (booking.task_id, booking.attempt) in answered and isinstance(booking.price, Price)
    )
    assert (digest.all_opus_micro_usd, digest.compared_micro_usd) == (1000 * len(priced), sum(priced))
    assert digest.uncompared == len(bookings) - len(priced)


def test_what_has_no_price_on_opus_is_compared_with_nothing() -> None:
    def opus(_: str, usage: Usage, at: datetime) -> Price | Unpriced:
        return Unpriced("no price for inference in eu") if usage.geo else Price(9, "v")

    abroad = make_booking(1, usage=Usage(input_tokens=1, geo="eu"), price=Price(5000, "v"))
    here = make_booking(2, usage=Usage(input_tokens=1), price=Price(4, "v"))
    digest = summarise((TODAY, TODAY), facts([abroad, here]), DEFAULT_TABLE, opus)
    assert (digest.all_opus_micro_usd, digest.compared_micro_usd, digest.uncompared) == (9, 4, 1)


def test_money_without_an_answer_is_told_apart_by_its_end() -> None:
    tasks = {number: make_task(number, attempt=2 if number == 4 else 1) for number in range(1, 6)}
    ends = [Verdict.FAILED, Verdict.CANCELLED, None, Verdict.LOST, Verdict.ANSWERED]
    attempts = [made_attempt(number, 1, verdict) for number, verdict in enumerate(ends, 1)]
    bookings = [make_booking(number, number, price=Price(number, "v")) for number in range(1, 6)]
    given = facts(bookings, tasks=tasks, attempts=attempts)
    digest = summarise((TODAY, TODAY), given, DEFAULT_TABLE, per_token)
    assert digest.waste == (
        WasteLine(Waste.FAILED, 1, Money(1)),
        WasteLine(Waste.CANCELLED, 1, Money(2)),
        WasteLine(Waste.AGAIN, 1, Money(4)),
        WasteLine(Waste.UNDER_WAY, 1, Money(3)),
    )
    assert digest.delivered == Money(5)


def test_tasks_are_counted_by_how_they_ended() -> None:
    states = [State.DONE, State.DONE, State.FAILED, State.CANCELLED]
    ended = [make_task(number, state=state) for number, state in enumerate(states, 1)]
    digest = summarise((TODAY, TODAY), facts(ended=ended, open_count=7), DEFAULT_TABLE, per_token)
    assert digest.ended == {State.DONE: 2, State.FAILED: 1, State.CANCELLED: 1}
    assert (digest.open, digest.total, digest.tiers) == (7, Money(), ())


def test_who_follows_another_has_neither_ended_nor_been_routed() -> None:
    asked = make_task(1, state=State.CANCELLED)
    follower = make_task(2, state=State.CANCELLED, follows=3, asked_model="opus")
    digest = summarise((TODAY, TODAY), facts(ended=[asked, follower]), DEFAULT_TABLE, per_token)
    assert digest.ended == {State.CANCELLED: 1}
    assert (digest.findings.regrets.routed, digest.findings.regrets.overridden) == (1, ())


def test_thumbs_are_counted_and_those_down_named() -> None:
    thumbs = [Thumb(7, "C1", liked) for liked in (True, False, True, False)] + [Thumb(3, "C1", liked=False)]
    digest = summarise((TODAY, TODAY), facts(thumbs=thumbs), DEFAULT_TABLE, per_token)
    assert (digest.liked, digest.disliked) == (2, (3, 7, 7))


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.WAITING, None),
        (State.QUEUED, None),
        (State.DONE, None),
        (State.CANCELLED, Waste.CANCELLED),
        (State.EXPIRED, Waste.FAILED),
        (State.FAILED, Waste.FAILED),
        (State.PARKED, Waste.FAILED),
    ],
)
def test_a_question_was_in_vain_where_its_task_ended_without_an_answer(
    state: State, why: Waste | None
) -> None:
    task = make_task(1, state=state, attempt=2)
    attempts = [made_attempt(1, 1, Verdict.ASKED)]
    given = facts([make_booking(1, 1, 1, price=Price(5, "v"))], tasks={1: task}, attempts=attempts)
    digest = summarise((TODAY, TODAY), given, DEFAULT_TABLE, per_token)
    assert digest.waste == (() if why is None else (WasteLine(why, 1, Money(5)),))
    assert digest.delivered == Money(0 if why else 5)


def test_requests_are_compared_at_the_prices_of_their_time() -> None:
    def rising(_: str, usage: Usage, at: datetime) -> Price:
        return Price(7 if at < NOON else 9, "v")

    bookings = [make_booking(1, at=NOON - timedelta(seconds=1)), make_booking(2, at=NOON)]
    assert summarise((TODAY, TODAY), facts(bookings), DEFAULT_TABLE, rising).all_opus_micro_usd == 16


def test_what_somebody_should_look_at_is_named() -> None:
    states = [State.DONE, State.FAILED, State.EXPIRED, State.FAILED, State.CANCELLED]
    ended = [make_task(number, state=state) for number, state in enumerate(states, 1)]
    digest = summarise((TODAY, TODAY), facts(ended=ended), DEFAULT_TABLE, per_token)
    assert digest.blamed == {State.FAILED: (2, 4), State.PARKED: (), State.EXPIRED: (3,)}
