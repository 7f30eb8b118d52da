"""When a time of day is next, also where clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.periods import next_time

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
moments = st.datetimes(datetime(2020, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@given(times, moments, st.sampled_from(ZONES).map(ZoneInfo))
def test_it_is_the_first_such_time_to_come(by: time, now: datetime, zone: ZoneInfo) -> None:
    found = next_time(by, now, zone)
    assert found.tzinfo is UTC
    assert timedelta(0) < found - now <= timedelta(hours=25)
    shown = found.astimezone(zone)
    leapt = shown.utcoffset() != (found - timedelta(hours=2)).astimezone(zone).utcoffset()
    assert shown.time().replace(fold=0) == by or leapt
    at = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while at < found:
        assert at.astimezone(zone).time().replace(fold=0) != by
        at += timedelta(minutes=1)


@pytest.mark.parametrize(
    ("by", "now", "found"),
    [
        ("18:00", "2026-11-23T12:00Z", "2026-11-23T17:00Z"),
        ("13:00", "2026-11-23T12:00Z", "2026-11-24T12:00Z"),
        ("00:00", "2026-11-23T22:59Z", "2026-11-23T23:00Z"),
        ("02:30", "2026-03-28T12:00Z", "2026-03-29T01:30Z"),
        ("02:30", "2026-10-25T00:10Z", "2026-10-25T00:30Z"),
        ("02:30", "2026-10-25T00:30Z", "2026-10-25T01:30Z"),
        ("02:30", "2026-10-25T01:30Z", "2026-10-26T01:30Z"),
    ],
)
def test_in_berlin(by: str, now: str, found: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert next_time(time.fromisoformat(by), datetime.fromisoformat(now), zone) == datetime.fromisoformat(
        found
    )
