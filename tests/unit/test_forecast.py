"""What is said of the next task from what earlier ones came to, and of when it starts."""

import heapq
from dataclasses import replace
from datetime import timedelta
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.money import dollars
from bot.views.outlook import expected, left, moved, person, place, starts, taken, usually
from dispatch.forecast import (
    LEAST,
    Place,
    Range,
    Sample,
    Seats,
    Steers,
    Today,
    Usual,
    likeness,
    opens_in,
    remaining,
    starts_in,
    usable,
    usual,
)
from dispatch.gates import Gate, GateState
from dispatch.policy import Seating
from dispatch.task import Tier
from tests.fakes.outlooks import make_outlook
from tests.fakes.values import NOON, make_task

costs = st.none() | st.integers(0, 50_000_000)
samples = st.lists(st.builds(Sample, st.integers(0, 20_000), costs), max_size=40)
enough = st.lists(st.builds(Sample, st.integers(0, 20_000), costs), min_size=LEAST, max_size=40)
lines = st.tuples(
    st.integers(0, 300), st.integers(1, 6), st.lists(st.integers(0, 30_000), max_size=9), enough
)


@given(samples)
def test_the_middle_half_lies_inside_what_was_seen_and_needs_five(seen: list[Sample]) -> None:
    found = usual(seen)
    priced = [sample.cost_micro_usd for sample in seen if sample.cost_micro_usd is not None]
    assert (found.samples, found.priced) == (len(seen), len(priced))
    for said, numbers in [(found.micro_usd, priced), (found.seconds, [sample.seconds for sample in seen])]:
        if len(numbers) < LEAST:
            assert said is None
        else:
            assert said is not None
            first, _, third = quantiles(numbers, n=4)
            assert said.low in numbers
            assert said.high in numbers
            inside = sum(said.low <= number <= said.high for number in numbers)
            assert 2 * inside >= len(numbers)
            assert said.low <= third
            assert said.high >= first


@given(enough)
def test_an_unpriced_task_is_never_counted_as_one_that_cost_nothing(seen: list[Sample]) -> None:
    priced = [replace(sample, cost_micro_usd=(sample.cost_micro_usd or 0) + 1) for sample in seen]
    unpriced = [replace(sample, cost_micro_usd=None) for sample in seen]
    both = usual([*priced, *unpriced])
    assert both.micro_usd == usual(priced).micro_usd
    assert both.micro_usd is not None
    assert both.micro_usd.low > 0


@given(lines)
def test_a_start_is_what_dealing_out_the_seats_one_by_one_comes_to(
    line: tuple[int, int, list[int], list[Sample]],
) -> None:
    ahead, seats, elapsed, seen = line
    lasted = sorted(max(sample.seconds, 1) for sample in seen)
    free = max(seats - len(elapsed), 0)
    ends = sorted(remaining(ran, lasted) for ran in elapsed)
    heap = [0] * free + ends[max(len(ends) - seats, 0) :]
    heapq.heapify(heap)
    for _ in range(ahead):
        heapq.heapreplace(heap, heap[0] + lasted[len(lasted) // 2])
    assert starts_in(ahead, seats, elapsed, seen) == heap[0]


@given(lines, st.integers(0, 50), st.integers(0, 20_000))
def test_behind_more_it_never_starts_earlier(
    line: tuple[int, int, list[int], list[Sample]], more: int, opening: int
) -> None:
    ahead, seats, elapsed, seen = line
    sooner = starts_in(ahead, seats, elapsed, seen, opening)
    later = starts_in(ahead + more, seats, elapsed, seen, opening)
    assert sooner is not None
    assert later is not None
    assert opening <= sooner <= later
    held_back = starts_in(ahead, seats, elapsed, seen, opening + more)
    assert held_back is not None
    assert held_back >= sooner


@given(lines)
def test_with_fewer_seats_it_never_starts_earlier(line: tuple[int, int, list[int], list[Sample]]) -> None:
    ahead, seats, elapsed, seen = line
    with_all, with_fewer = (starts_in(ahead, count, elapsed, seen) for count in (seats + 1, seats))
    assert with_all is not None
    assert with_fewer is not None
    assert with_all <= with_fewer


@given(
    st.integers(0, 9), st.integers(0, 9), st.lists(st.builds(Sample, st.integers(1, 9)), max_size=LEAST - 1)
)
def test_with_too_few_to_say_only_a_free_seat_is_known(ahead: int, running: int, seen: list[Sample]) -> None:
    found = starts_in(ahead, 3, [5] * running, seen, 7)
    assert found == (7 if ahead + running < 3 else None)


def test_no_seat_means_that_nobody_knows() -> None:
    assert starts_in(0, 0, [], []) is None
    assert usable(Seating(3, 1), urgent=False) == 2
    assert usable(Seating(3, 1), urgent=True) == 3


@given(st.integers(0, 30_000), enough)
def test_what_runs_ends_some_time(ran: int, seen: list[Sample]) -> None:
    assert remaining(ran, sorted(max(sample.seconds, 1) for sample in seen)) >= 1


def test_a_gate_that_opens_at_no_known_time_lets_nobody_say() -> None:
    later = Gate("opus", GateState.CLOSED, opens_at=NOON + timedelta(minutes=3))
    assert opens_in([], NOON) == opens_in([Gate("opus")], NOON) == 0
    assert opens_in([Gate("runtime"), later], NOON) == 180
    assert opens_in([later, Gate("account", GateState.CLOSED)], NOON) is None
    assert opens_in([replace(later, state=GateState.PROBING, probe=7)], NOON) is None
    assert opens_in([replace(later, opens_at=NOON - timedelta(hours=1))], NOON) == 0


def test_requests_are_alike_but_for_case_spaces_and_the_mark_at_the_end() -> None:
    assert likeness("Check  the\nqueue!", None) == likeness("check the queue", None)
    assert likeness("check the queue", None) != likeness("check the queues", None)
    assert likeness("now", "status") != likeness("now", None)
    assert len(likeness("\ud800", None)) == 32


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "starts soon"),
        (59, "starts soon"),
        (60, "starts in ~1 min"),
        (330, "starts in ~6 min"),
        (11 * 60, "starts in ~15 min"),
        (59 * 60, "starts in ~1 h"),
        (95 * 60, "starts in ~1 h 30 min"),
        (7200, "starts in ~2 h"),
        (7201, "starts in more than 2 h"),
        (10**9, "starts in more than 2 h"),
    ],
)
def test_a_start_is_told_roughly(seconds: int, told: str) -> None:
    assert starts(timedelta(seconds=seconds)) == told


def test_a_start_that_nobody_knows_is_not_told() -> None:
    assert starts(None) == ""
    assert expected(make_outlook(starts_in=None)) == "2nd in line of 2 · usually $0.80-1.50, 6-11 min"


@pytest.mark.parametrize(
    ("usually_so", "told"),
    [
        (Usual(0, 0, None, None), "usual price and time: too few to say, none so far"),
        (Usual(3, 3, None, None), "usual price and time: too few to say, 3 so far"),
        (Usual(7, 2, None, Range(20, 45)), "usually 20-45 s; price: too few to say, 2 so far"),
        (Usual(7, 0, None, Range(0, 0)), "usually 1 s; price: too few to say, none so far"),
        (Usual(9, 9, Range(0, 0), Range(20, 90)), "usually 20 s-2 min"),
        (Usual(9, 9, Range(10_000, 14_000), Range(61, 80)), "usually $0.01, 1 min"),
        (Usual(9, 9, Range(3_000, 20_000), Range(120, 7200)), "usually <$0.01-0.02, 2-120 min"),
    ],
)
def test_what_is_usual_is_told_as_far_as_it_is_known(usually_so: Usual, told: str) -> None:
    assert usually(usually_so) == told


def test_the_place_and_the_seats_are_told() -> None:
    assert place(Place(0, 1)) == "next in line"
    assert place(Place(0, 2)) == "next in line of 2"
    assert place(Place(11, 10_000)) == "12th in line of 10,000"
    assert taken(None, Tier.OPUS) == taken(Seats(3, 2, 3), Tier.OPUS) == ""
    assert taken(Seats(3, 3, 3), Tier.OPUS) == "all 3 Opus seats busy"
    assert taken(Seats(2, 2, 3), Tier.OPUS) == "2 of 3 Opus seats busy, 1 kept for p1 and p2"
    assert taken(Seats(1, 1, 1), Tier.HAIKU) == "the Haiku seat is busy"


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_what_is_left_of_the_day_is_told_without_empty_cents(rest: int, limit: int) -> None:
    told = left(Today(limit, rest))
    assert told.replace(".00", "") == told
    assert told.startswith(dollars(rest).removesuffix(".00"))
    assert left(None) == ""


def test_who_moved_it_is_shown_and_never_mentioned() -> None:
    task = make_task(42, 3)
    steers = Steers(7, "UANA00001", "")
    assert moved(task, make_outlook(steers=steers), lambda _: "ana") == "raised from p7 by @ana"
    assert moved(make_task(42, 9), make_outlook(steers=steers), lambda _: "") == "lowered from p7 by somebody"
    assert moved(make_task(42, 7), make_outlook(steers=steers), lambda _: "ana") == ""
    assert moved(task, make_outlook(), lambda _: "ana") == ""
    assert person("cli:ana", lambda _: "") == "ana"
    assert "@channel" not in person("UANA00001", lambda _: "channel")
