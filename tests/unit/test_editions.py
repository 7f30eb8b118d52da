"""Which digests are due, and when: each once, in the days of its own zone."""

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.editions import Edition, Issue, before
from dispatch.routing import DEFAULT_TABLE
from dispatch.terms import Terms

NINE = time(9, 0)
BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


def weekly(zone: ZoneInfo = BERLIN) -> Issue:
    return Issue(Edition.WEEKLY, "C1", zone, NINE)


def test_a_year_of_weeks_each_told_once_on_its_monday() -> None:
    issue, told = weekly(), list[date]()
    now = datetime(2026, 1, 1, tzinfo=UTC)
    last = issue.newest(now)
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        if span := issue.due(last, now):
            assert (span[0].isoweekday(), span[1] - span[0]) == (1, timedelta(days=6))
            local = now.astimezone(BERLIN)
            assert (local.isoweekday(), local.hour) == (1, 9)
            last = span[1]
            told.append(last)
        now += timedelta(minutes=30)
    assert len(told) == 52
    assert len(set(told)) == 52


@given(MOMENTS, st.integers(0, 9))
def test_after_downtime_only_the_newest_week_is_told(now: datetime, missed: int) -> None:
    newest = weekly().newest(now)
    span = weekly().due(newest - timedelta(weeks=missed), now)
    assert span == ((newest - timedelta(days=6), newest) if missed else None)


@given(MOMENTS, st.sampled_from([BERLIN, TOKYO, ZoneInfo("America/Los_Angeles")]))
def test_a_channel_is_told_of_its_own_yesterday(now: datetime, zone: ZoneInfo) -> None:
    issue = Issue(Edition.CHANNEL, "C1", zone, NINE)
    local = now.astimezone(zone)
    assert issue.newest(now) == local.date() - timedelta(days=1 if local.time() >= NINE else 2)
    assert issue.due(issue.newest(now), now) is None


def test_each_edition_has_a_key_of_its_own() -> None:
    day = date(2026, 11, 22)
    keys = {Issue(edition, "C1", BERLIN, NINE).delivery(day, day).key for edition in Edition}
    assert keys == {"digest:C1:2026-11-22", "digest:weekly:C1:2026-11-22", "digest:channel:C1:2026-11-22"}
    told = Issue(Edition.CHANNEL, "C1", BERLIN, NINE).delivery(day, day)
    assert json.loads(told.body) == {"first": "2026-11-22", "last": "2026-11-22", "edition": "channel"}


def test_the_week_before_ends_where_the_week_begins() -> None:
    assert before(date(2026, 11, 16), date(2026, 11, 22)) == (date(2026, 11, 9), date(2026, 11, 15))


@pytest.mark.parametrize(
    ("channel", "is_weekly", "told"),
    [
        ("C1", True, [Edition.DAILY, Edition.WEEKLY, Edition.CHANNEL]),
        ("C1", False, [Edition.DAILY, Edition.CHANNEL]),
        ("", True, [Edition.CHANNEL]),
    ],
)
def test_what_is_told_follows_the_settings(channel: str, is_weekly: bool, told: list[Edition]) -> None:
    terms = Terms(DEFAULT_TABLE, BERLIN, channel, weekly=is_weekly, channel_digests={"C2": TOKYO})
    assert [issue.edition for issue in terms.issues] == told
    assert (terms.issues[-1].channel, terms.issues[-1].zone) == ("C2", TOKYO)
