from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.digest import DayBar, Money, due, newest_due, summarise, window
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Booking
from dispatch.usage import Price, Unpriced
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


@given(BOOKINGS, st.sets(st.tuples(st.integers(1, 12), st.integers(1, 3))))
def test_every_part_adds_up_to_the_total(bookings: list[Booking], answered: set[tuple[int, int]]) -> None:
    tasks = {number: make_task(number) for number in range(1, 13)}
    today = NOON.date()
    digest = summarise(
        (today, today),
        bookings,
        tasks.values(),
        0,
        tasks,
        answered,
        lambda usage: Price(usage.input_tokens, "v"),
        [DayBar(today, {})],
    )
    priced = [booking.price.micro_usd for booking in bookings if isinstance(booking.price, Price)]
    assert digest.total == Money(sum(priced), len(bookings) - len(priced))
    assert sum((line.money for line in digest.tiers), Money()) == digest.total
    cards = Counter[int]()
    for booking in bookings:
        cards[booking.task_id] += booking.price.micro_usd if isinstance(booking.price, Price) else 0
    assert [money.micro_usd for _, money in digest.dearest] == sorted(cards.values(), reverse=True)[:5]
    assert digest.undelivered.micro_usd == sum(
        booking.price.micro_usd
        for booking in bookings
        if (booking.task_id, booking.attempt) not in answered and isinstance(booking.price, Price)
    )
    assert digest.all_opus_micro_usd == 1000 * len(priced)


def test_tasks_are_counted_by_how_they_ended() -> None:
    states = [State.DONE, State.DONE, State.FAILED, State.CANCELLED]
    ended = [make_task(number, state=state) for number, state in enumerate(states, 1)]
    today = NOON.date()
    digest = summarise((today, today), [], ended, 7, {}, set(), lambda _: Unpriced("none"), [])
    assert digest.ended == {State.DONE: 2, State.FAILED: 1, State.CANCELLED: 1}
    assert (digest.open, digest.total, digest.tiers) == (7, Money(), ())
