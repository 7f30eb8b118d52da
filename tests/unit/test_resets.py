from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.diagnosis import reset_at

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/Lisbon",
    "America/Denver",
    "America/St_Johns",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Etc/GMT+5",
]
TOKYO = ZoneInfo("Asia/Tokyo")
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def twelve_hours(at: time) -> str:
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'pm' if at.hour >= 12 else 'am'}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("You're out of extra usage · resets 11am (America/Denver)", datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("resets 3:30pm (Europe/Berlin)", datetime(2026, 11, 23, 14, 30, tzinfo=UTC)),
        ("resets 15:00 (Europe/Berlin)", datetime(2026, 11, 23, 14, tzinfo=UTC)),
        ("resets 9:05", datetime(2026, 11, 24, 0, 5, tzinfo=UTC)),
        ("You've hit your limit · resets 10pm", datetime(2026, 11, 23, 13, tzinfo=UTC)),
        ("resets 3pm", datetime(2026, 11, 24, 6, tzinfo=UTC)),
        ("Your limit will reset at 1pm (Etc/GMT+5).", datetime(2026, 11, 23, 18, tzinfo=UTC)),
        ("Resets 12am (UTC)", datetime(2026, 11, 24, tzinfo=UTC)),
        ("resets 12 PM (UTC)", datetime(2026, 11, 24, 12, tzinfo=UTC)),
        ("resets 12:01pm (UTC)", datetime(2026, 11, 23, 12, 1, tzinfo=UTC)),
    ],
)
def test_both_forms_are_read(words: str, expected: datetime) -> None:
    assert reset_at(words, NOON, TOKYO) == expected


@pytest.mark.parametrize(
    "words",
    [
        "resets 11am (Mars/Olympus)",
        "resets 11am (your time)",
        "resets 11am (../../etc/passwd)",
        "resets 11am (America)",
        "resets Oct 9, 3pm (America/Denver)",
        "resets 13pm",
        "resets 25:00",
        "resets 15:00pm",
        "resets 3:75pm",
        "resets 3",
        "resets in 4 hours",
        "presets 3pm",
        "",
    ],
)
def test_what_names_no_time_has_none(words: str) -> None:
    assert reset_at(words, NOON, TOKYO) is None


def test_a_time_that_is_skipped_comes_as_much_later() -> None:
    before = datetime(2026, 3, 8, 8, 59, tzinfo=UTC)
    skipped = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)
    assert reset_at("resets 2:30am (America/Denver)", before, TOKYO) == skipped
    assert reset_at("resets 2:30am (America/Denver)", skipped, TOKYO) == skipped + timedelta(hours=23)


def test_a_time_that_is_repeated_comes_twice() -> None:
    first = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    words = "resets 1:30am (America/Denver)"
    assert reset_at(words, first - MINUTE, TOKYO) == first
    assert reset_at(words, first, TOKYO) == second
    assert reset_at(words, second, TOKYO) == second + timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
def test_through_a_whole_year_the_reset_is_the_next_time_on_the_clock(zone: str) -> None:
    tz = ZoneInfo(zone)
    now = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
    while now < datetime(2027, 1, 2, tzinfo=UTC):
        for at in (time(0), time(2, 30), time(11), time(23, 45)):
            found = reset_at(f"resets {twelve_hours(at)} ({zone})", now, TOKYO)
            assert found is not None
            assert now < found <= now + timedelta(hours=25, minutes=30)
            shown = found.astimezone(tz)
            missing = datetime.combine(shown, at, tz).astimezone(UTC).astimezone(tz).time() != at
            assert shown.time() == at or missing
        now += timedelta(hours=5)


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
def test_no_moment_before_the_reset_shows_its_time(zone: str, now: datetime, at: time) -> None:
    tz = ZoneInfo(zone)
    found = reset_at(f"resets {at:%H:%M}", now, tz)
    assert found is not None
    assert found.tzinfo is UTC
    assert found == reset_at(f"resets {twelve_hours(at)} ({zone})", now, TOKYO)
    minute = now.replace(second=0, microsecond=0) + MINUTE
    while minute < found:
        local = minute.astimezone(tz)
        assert (local.hour, local.minute) != (at.hour, at.minute)
        minute += MINUTE
    assert reset_at(f"resets {at:%H:%M}", found - timedelta(microseconds=1), tz) == found
