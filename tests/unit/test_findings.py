"""What a digest points at: days far from the usual, routing to regret, waits and the month ahead."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.booking import Booking
from dispatch.faults import FaultKind
from dispatch.findings import (
    AttemptEnd,
    FirstStart,
    Outlier,
    Regrets,
    Wait,
    outliers,
    pace,
    regrets,
    waits,
)
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.task import MODEL_TIERS, Task, Tier, Verdict
from dispatch.usage import MICRO_USD, Price, Unpriced, Usage
from tests.fakes.values import NOON, make_booking, make_task

DAY = date(2026, 11, 22)
DEAR, CHEAP = Price(900_000, "v"), Price(100_000, "v")


def on_days(*dollars: float, scope: str = "all") -> list[dict[str, int]]:
    """Days on which the scope cost so much."""
    return [{scope: round(MICRO_USD * one)} for one in dollars]


def test_a_day_far_above_its_usual_is_named_with_what_is_usual() -> None:
    before = on_days(10, 11, 9, 10, 12)
    assert outliers({DAY: {"all": 31_000_000}}, before) == (Outlier(DAY, "all", 31_000_000, 10_000_000),)


@pytest.mark.parametrize(
    ("cost", "before"),
    [
        (31, (10, 11, 9, 10)),
        (31, (10, 11, 9, 10, 0, 0, 0, 0)),
        (14, (10, 11, 9, 10, 12)),
        (31, (2, 40, 10, 31, 5)),
        (0.9, (0.01, 0.01, 0.01, 0.01, 0.01)),
        (0, (10, 11, 9, 10, 12)),
    ],
    ids=["four days", "idle days", "near", "it varies", "dust", "less"],
)
def test_what_is_usual_or_cannot_be_known_is_not(cost: float, before: tuple[float, ...]) -> None:
    assert outliers({DAY: {"all": round(cost * MICRO_USD)}}, on_days(*before)) == ()


def test_one_wild_day_does_not_move_the_usual() -> None:
    assert outliers({DAY: {"all": 31_000_000}}, on_days(10, 11, 9, 10, 500)) != ()


def test_each_scope_is_held_against_its_own_days() -> None:
    before = [{"tier:opus": 10_000_000, "person:U1": 1_000_000} for _ in range(5)]
    found = outliers(
        {DAY: {"tier:opus": 10_000_000, "person:U1": 9_000_000, "person:U2": 90_000_000}}, before
    )
    assert found == (Outlier(DAY, "person:U1", 9_000_000, 1_000_000),)


def attempt(
    task_id: int = 1,
    number: int = 1,
    verdict: Verdict | None = Verdict.ANSWERED,
    seconds: float = 40,
    fault: FaultKind | None = None,
) -> AttemptEnd:
    return AttemptEnd(task_id, number, NOON, NOON + timedelta(seconds=seconds), verdict, fault)


def opus_task(number: int = 1, **changes: object) -> Task:
    return make_task(number, 3, **{"state": State.DONE, "cost_micro_usd": DEAR.micro_usd, **changes})


def on_opus(number: int = 1, tokens: int = 500, **changes: object) -> Booking:
    usage = Usage(input_tokens=1000, output_tokens=tokens)
    return make_booking(number, number, tier=Tier.OPUS, price=DEAR, usage=usage, **changes)  # type: ignore[arg-type]


def regretted(task: Task, booking: Booking, run: AttemptEnd, price: Price | Unpriced = CHEAP) -> Regrets:
    return regrets([task], [booking], {task.id: task}, [run], DEFAULT_TABLE, lambda *_: price)


def test_quick_opus_tasks_are_named_with_both_prices() -> None:
    tasks = {number: opus_task(number) for number in (4, 2)}
    bookings = [on_opus(number) for number in tasks]
    runs = [attempt(number) for number in tasks]
    found = regrets(tasks.values(), bookings, tasks, runs, DEFAULT_TABLE, lambda *_: CHEAP)
    assert found.quick == (2, 4)
    assert (found.quick_micro_usd, found.cheaper_micro_usd) == (2 * DEAR.micro_usd, 2 * CHEAP.micro_usd)
    assert found.try_priority == 5


@pytest.mark.parametrize(
    ("task", "booking", "run", "price"),
    [
        (opus_task(), on_opus(), attempt(seconds=60), CHEAP),
        (opus_task(), on_opus(tokens=2_000), attempt(), CHEAP),
        (opus_task(state=State.FAILED), on_opus(), attempt(), CHEAP),
        (opus_task(unpriced=1), on_opus(), attempt(), CHEAP),
        (opus_task(cost_micro_usd=DEAR.micro_usd + 1), on_opus(), attempt(), CHEAP),
        (opus_task(), on_opus(), attempt(), Unpriced("new model")),
        (opus_task(), on_opus(), attempt(), DEAR),
    ],
    ids=["slow", "long", "failed", "unpriced", "more before", "no price there", "no cheaper there"],
)
def test_without_that_evidence_nothing_is_regretted(
    task: Task, booking: Booking, run: AttemptEnd, price: Price | Unpriced
) -> None:
    assert regretted(opus_task(), on_opus(), attempt()).quick == (1,)
    assert regretted(task, booking, run, price).quick == ()


@pytest.mark.parametrize(
    ("verdict", "fault", "again"),
    [
        (Verdict.FAILED, FaultKind.INCOMPLETE, (1,)),
        (Verdict.FAILED, FaultKind.RATE_LIMITED, ()),
        (Verdict.LOST, FaultKind.LOST, ()),
        (Verdict.ANSWERED, None, ()),
    ],
)
def test_haiku_tasks_that_ran_again_by_their_own_fault(
    verdict: Verdict, fault: FaultKind | None, again: tuple[int, ...]
) -> None:
    task = make_task(1, 9, attempt=2)
    runs = [attempt(1, 1, verdict, fault=fault), attempt(1, 2)]
    bookings = [make_booking(number, 1, number, Tier.HAIKU) for number in (1, 2)]
    found = regrets([], bookings, {1: task}, runs, DEFAULT_TABLE, lambda *_: CHEAP)
    assert found.again == again


def test_an_override_is_a_model_asked_for_against_the_priority() -> None:
    asked = [(3, "sonnet"), (3, "opus"), (3, None), (9, "opus")]
    ended = [
        make_task(number, priority, asked_model=model, route=route(priority, model, None, DEFAULT_TABLE))
        for number, (priority, model) in enumerate(asked, 1)
    ]
    script = make_task(9, 3, asked_model="haiku", script="deploy")
    found = regrets([*ended, script], [], {}, [], DEFAULT_TABLE, lambda *_: CHEAP)
    assert (found.overridden, found.routed, found.overrides_percent) == ((1, 4), 4, 50)
    assert not found.has_many_overrides, "four tasks say nothing"
    assert Regrets(overridden=(1,), routed=10).has_many_overrides
    assert not Regrets(overridden=(1,), routed=11).has_many_overrides


@given(
    st.lists(
        st.builds(
            make_booking,
            task_id=st.integers(1, 6),
            attempt=st.integers(1, 3),
            tier=st.sampled_from(MODEL_TIERS),
            price=st.sampled_from([DEAR, CHEAP, Unpriced("new")]),
        ),
        max_size=30,
    ),
    st.lists(st.sampled_from([*Verdict, None]), min_size=18, max_size=18),
)
def test_no_line_names_a_task_twice(bookings: list[Booking], verdicts: list[Verdict | None]) -> None:
    tasks = {number: opus_task(number, attempt=3, asked_model="opus") for number in range(1, 7)}
    keys = [(task_id, number) for task_id in tasks for number in (1, 2, 3)]
    runs = [attempt(*key, verdict) for key, verdict in zip(keys, verdicts, strict=True)]
    ended = [*tasks.values(), *tasks.values()]
    found = regrets(ended, bookings, tasks, runs, DEFAULT_TABLE, lambda *_: CHEAP)
    for named in (found.quick, found.again, found.overridden):
        assert len(set(named)) == len(named)
        assert set(named) <= tasks.keys()
    assert found.quick_micro_usd == sum(tasks[number].cost_micro_usd for number in found.quick)


def test_waits_have_a_middle_and_a_longest_with_its_task() -> None:
    starts = [
        FirstStart(number, priority, "C1", timedelta(seconds=seconds))
        for number, priority, seconds in ((1, 8, 10), (2, 3, 2), (3, 8, 2460), (4, 8, 20), (5, 3, 4))
    ]
    assert waits(starts) == (
        Wait(3, 2, timedelta(seconds=3), timedelta(seconds=4), 5),
        Wait(8, 3, timedelta(seconds=20), timedelta(seconds=2460), 3),
    )


def test_the_pace_of_a_month_is_what_it_cost_and_the_mean_for_each_day_left() -> None:
    found = pace(DAY, 330, [90, 90, 1, 2, 3, 4, 5, 6, 7], 100)
    assert found is not None
    assert (found.daily_micro_usd, found.mean_days) == (4, 7)
    assert found.month_micro_usd == 330 + 8 * 4
    assert found.month_budget_micro_usd == 3000


def test_days_before_the_first_that_cost_anything_are_in_no_mean() -> None:
    found = pace(DAY, 30, [0, 0, 0, 10, 0, 20], None)
    assert found is not None
    assert (found.daily_micro_usd, found.mean_days, found.month_budget_micro_usd) == (10, 3, None)
    assert pace(DAY, 30, [0, 0], None) is None
    assert pace(DAY, 0, [], None) is None
