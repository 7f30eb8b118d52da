"""How often something may happen."""

from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.pace import Line, Pace
from tests.fakes.values import NOON

SECOND = timedelta(seconds=1)


def test_it_waits_until_the_gap_is_over() -> None:
    pace = Pace(3 * SECOND)
    assert pace.wait("a", NOON) == timedelta(0)
    pace.note("a", NOON)
    assert pace.wait("a", NOON + SECOND) == 2 * SECOND
    assert pace.wait("a", NOON + 3 * SECOND) == timedelta(0)


def test_each_key_is_by_itself() -> None:
    pace = Pace(SECOND)
    pace.note("a", NOON)
    pace.note("b", NOON + SECOND / 2)
    assert [pace.wait(key, NOON + SECOND / 2) for key in "abc"] == [SECOND / 2, SECOND, timedelta(0)]


@given(st.lists(st.tuples(st.integers(0, 3000), st.sampled_from("ab")), max_size=40))
def test_whoever_waits_as_told_never_exceeds_the_pace(steps: list[tuple[int, str]]) -> None:
    pace, now = Pace(SECOND), NOON
    happened: dict[str, list[datetime]] = {"a": [], "b": []}
    for gap, key in steps:
        now += timedelta(milliseconds=gap)
        now += pace.wait(key, now)
        pace.note(key, now)
        happened[key].append(now)
    for times in happened.values():
        assert all(later - earlier >= SECOND for earlier, later in pairwise(times))


def test_a_line_gives_each_the_next_turn_and_keeps_it() -> None:
    line = Line(1, SECOND)
    assert line.turn("a", NOON) == NOON
    line.go("a", NOON)
    assert [line.turn(who, NOON) for who in "bcd"] == [NOON + n * SECOND for n in (1, 2, 3)]
    assert line.turn("c", NOON) == NOON + 2 * SECOND
    line.leave("b")
    assert line.turn("c", NOON) == NOON + SECOND


def test_a_line_with_many_turns_lets_as_many_go_at_once() -> None:
    line = Line(2, 60 * SECOND)
    assert [line.turn(who, NOON) - NOON for who in "abcde"] == [n * 60 * SECOND for n in (0, 0, 1, 1, 2)]
    assert line.next(NOON) == NOON + 120 * SECOND
    line.go("a", NOON)
    line.go("b", NOON + SECOND)
    assert [line.turn(who, NOON + SECOND) - NOON for who in "cde"] == [n * SECOND for n in (60, 61, 120)]


def test_whoever_does_not_come_back_holds_up_nobody_for_long() -> None:
    line = Line(1, SECOND)
    line.turn("gone", NOON)
    assert line.turn("b", NOON + 5 * SECOND) == NOON + 6 * SECOND
    assert line.turn("b", NOON + 10 * SECOND) == NOON + 10 * SECOND


def test_one_who_goes_before_others_moves_them_back() -> None:
    line = Line(1, SECOND)
    line.go("a", NOON)
    assert line.turn("b", NOON) == NOON + SECOND
    assert line.first(NOON) == NOON + SECOND
    line.go("part", NOON + SECOND)
    assert line.turn("b", NOON + SECOND) == NOON + 2 * SECOND


def test_a_closed_line_opens_for_the_refused_one_first() -> None:
    line = Line(1, SECOND)
    line.turn("b", NOON)
    line.close(NOON + 30 * SECOND, "a")
    assert [line.turn(who, NOON) for who in "ba"] == [NOON + 31 * SECOND, NOON + 30 * SECOND]
    line.close(NOON + 10 * SECOND)
    assert line.turn("a", NOON) == NOON + 30 * SECOND, "an earlier end does not shorten it"


def test_a_line_that_is_idle_can_be_forgotten() -> None:
    line = Line(1, SECOND)
    assert line.idle(NOON)
    line.turn("a", NOON)
    assert not line.idle(NOON)
    line.go("a", NOON)
    assert not line.idle(NOON)
    assert line.idle(NOON + SECOND)
    line.close(NOON + 9 * SECOND)
    assert not line.idle(NOON + SECOND)


@given(
    st.integers(min_value=1, max_value=4),
    st.lists(st.integers(min_value=0, max_value=1500), min_size=1, max_size=30),
)
def test_a_line_keeps_the_order_and_the_pace_whenever_people_come(times: int, gaps: list[int]) -> None:
    line, now, went = Line(times, SECOND), NOON, []
    back: list[tuple[datetime, int]] = []
    for number, gap in enumerate(gaps):
        now += timedelta(milliseconds=gap)
        back.append((now, number))
    asked = dict.fromkeys(range(len(gaps)), 0)
    while back:
        now, number = heappop(back)
        asked[number] += 1
        at = line.turn(str(number), now)
        if at > now:
            heappush(back, (at, number))
        else:
            line.go(str(number), now)
            went.append((number, now))
    assert [number for number, _ in went] == list(range(len(gaps))), "first come, first served"
    for (_, earlier), (_, later) in zip(went, went[times:], strict=False):
        assert later - earlier >= SECOND
    assert set(asked.values()) <= {1, 2}, "whoever comes back when told to goes then"


@given(st.lists(st.tuples(st.integers(0, 2000), st.booleans()), min_size=1, max_size=30))
def test_a_line_keeps_the_pace_when_people_come_late_or_go_before_others(
    steps: list[tuple[int, bool]],
) -> None:
    line, now, went = Line(1, SECOND), NOON, [NOON - SECOND]
    for number, (gap, pushes) in enumerate(steps):
        now += timedelta(milliseconds=gap)
        if pushes:
            at = line.first(now)
            line.go("part", at)
            went.append(at)
        elif line.turn(f"{number % 3}", now) <= now:
            line.go(f"{number % 3}", now)
            went.append(now)
    assert all(later - earlier >= SECOND for earlier, later in pairwise(went))
