"""How often something may happen."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.pace import Pace
from tests.fakes.values import NOON

SECOND = timedelta(seconds=1)


def test_the_first_few_need_not_wait_and_the_next_does() -> None:
    pace = Pace(2, 9 * SECOND)
    for seconds in (0, 1):
        assert pace.wait("a", NOON + seconds * SECOND) == timedelta(0)
        pace.note("a", NOON + seconds * SECOND)
    assert pace.wait("a", NOON + 2 * SECOND) == 7 * SECOND
    assert pace.wait("a", NOON + 9 * SECOND) == timedelta(0)


def test_each_key_is_by_itself() -> None:
    pace = Pace(1, SECOND)
    pace.note("a", NOON)
    assert pace.wait("a", NOON) == SECOND
    assert pace.wait("b", NOON) == timedelta(0)


@given(
    st.integers(min_value=1, max_value=4),
    st.lists(st.integers(min_value=0, max_value=3000), max_size=40),
)
def test_whoever_waits_as_told_never_exceeds_the_pace(times: int, gaps: list[int]) -> None:
    window = timedelta(seconds=1)
    pace, now, happened = Pace(times, window), NOON, []
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        at = now + pace.wait("a", now)
        pace.note("a", at)
        happened.append(at)
    for earlier, later in zip(happened, happened[times:], strict=False):
        assert later - earlier >= window
