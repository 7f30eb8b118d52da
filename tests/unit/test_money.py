"""Money, durations and counts as people read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.money import dollars
from bot.words import counted, duration, ordinal, tokens

AMOUNTS = st.integers(min_value=0, max_value=10**13)


@pytest.mark.parametrize(
    ("micro_usd", "said"),
    [
        (0, "$0.00"),
        (1, "<$0.01"),
        (9_999, "<$0.01"),
        (10_000, "$0.01"),
        (14_999, "$0.01"),
        (15_000, "$0.02"),
        (930_000, "$0.93"),
        (999_999, "$1.00"),
        (10_000_000, "$10.00"),
        (1_234_560_000, "$1,234.56"),
        (-200_000, "-$0.20"),
    ],
)
def test_amounts(micro_usd: int, said: str) -> None:
    assert dollars(micro_usd) == said


def test_what_is_not_known_is_never_shown_as_zero() -> None:
    assert dollars(0, 3) == "unpriced"
    assert dollars(420_000, 1) == "$0.42 + 1 unpriced request"
    assert dollars(5, 2) == "<$0.01 + 2 unpriced requests"


@given(AMOUNTS)
def test_an_amount_is_right_to_half_a_cent(micro_usd: int) -> None:
    said = dollars(micro_usd)
    if said == "<$0.01":
        assert 0 < micro_usd < 10_000
    else:
        shown = round(float(said.removeprefix("$").replace(",", "")) * 100) * 10_000
        assert -5_000 < shown - micro_usd <= 5_000


@given(AMOUNTS, AMOUNTS)
def test_amounts_keep_their_order(one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    assert _cents(dollars(smaller)) <= _cents(dollars(larger)) or larger < 10_000


def _cents(said: str) -> float:
    return 0.5 if said == "<$0.01" else float(said.removeprefix("$").replace(",", "")) * 100


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "<1 s"),
        (-5, "<1 s"),
        (0.9, "<1 s"),
        (1, "1 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (432, "7 min 12 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (940, "940"),
        (1000, "1k"),
        (8_400, "8.4k"),
        (9_949, "9.9k"),
        (9_950, "10k"),
        (84_321, "84k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (1_240_000, "1.2M"),
    ],
)
def test_tokens(count: int, said: str) -> None:
    assert tokens(count) == said


def test_places_in_a_line() -> None:
    said = [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    assert said == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]


def test_counts() -> None:
    assert [counted(number, "task") for number in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]
