from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dispatch.budget import (
    ALL,
    STEPS,
    Budgets,
    Line,
    Standing,
    admit,
    by_scope,
    is_stale,
    never_fits,
    reached,
)
from dispatch.task import Shortage, Task, Tier
from dispatch.usage import MICRO_USD
from tests.fakes.values import NOON, make_task

MIDNIGHT = NOON + timedelta(hours=12)
EMPTY = Standing({}, {}, MIDNIGHT)
AMOUNT = st.integers(0, 30 * MICRO_USD)
LIMIT = st.one_of(st.none(), st.integers(1, 60 * MICRO_USD))


def standing(spent: Iterable[Line], reserved: Iterable[Line], resets_at: datetime) -> Standing:
    return Standing(by_scope(spent), by_scope(reserved), resets_at)


def task_of(number: int, priority: int, cap: int, tier: Tier = Tier.SONNET, channel: str = "C1") -> Task:
    route = replace(make_task().route, tier=tier, cap_micro_usd=cap)
    return make_task(number, priority, route=route, channel=channel, requester=f"U{number % 3}")


def test_without_a_budget_a_task_may_spend_its_cap_less_what_it_has_cost() -> None:
    task = replace(task_of(1, 5, 3 * MICRO_USD), cost_micro_usd=MICRO_USD)
    assert admit(task, Budgets(), EMPTY) == 2 * MICRO_USD


def test_what_runs_is_reserved() -> None:
    day = standing([], [Line(Tier.OPUS, "C9", "U9", 8 * MICRO_USD)], MIDNIGHT)
    budgets = Budgets(everybody=10 * MICRO_USD)
    assert admit(task_of(1, 6, 2 * MICRO_USD), budgets, day) == 2 * MICRO_USD
    found = admit(task_of(1, 6, 3 * MICRO_USD), budgets, day)
    assert found == Shortage(ALL, 10 * MICRO_USD, 0, 8 * MICRO_USD, 0, MIDNIGHT)


def test_near_the_end_urgent_tasks_take_what_is_left_and_others_wait() -> None:
    budgets = Budgets(everybody=50 * MICRO_USD, urgent=8 * MICRO_USD)
    day = standing([Line(Tier.OPUS, "C1", "U1", 41 * MICRO_USD)], [], MIDNIGHT)
    cap = 10 * MICRO_USD
    assert admit(task_of(1, 1, cap), budgets, day) == 9 * MICRO_USD
    assert admit(task_of(1, 3, cap), budgets, day) == 1 * MICRO_USD
    assert isinstance(admit(task_of(1, 5, cap), budgets, day), Shortage)
    spent = standing([Line(Tier.OPUS, "C1", "U1", 42 * MICRO_USD)], [], MIDNIGHT)
    assert isinstance(admit(task_of(1, 3, cap), budgets, spent), Shortage)
    assert admit(task_of(1, 2, cap), budgets, spent) == 8 * MICRO_USD
    gone = standing([Line(Tier.OPUS, "C1", "U1", 50 * MICRO_USD)], [], MIDNIGHT)
    assert isinstance(admit(task_of(1, 1, cap), budgets, gone), Shortage)


@pytest.mark.parametrize(
    ("budgets", "scope"),
    [
        (Budgets(channel=1), "channel:C1"),
        (Budgets(channels={"C1": 1}, channel=10**9), "channel:C1"),
        (Budgets(person=1), "person:U1"),
        (Budgets(people={"U1": 1}), "person:U1"),
        (Budgets(tiers={Tier.SONNET: 1}), "tier:sonnet"),
    ],
)
def test_each_budget_is_named_when_it_refuses(budgets: Budgets, scope: str) -> None:
    found = admit(task_of(1, 5, MICRO_USD), budgets, EMPTY)
    assert isinstance(found, Shortage)
    assert (found.scope, found.limit_micro_usd, found.resets_at) == (scope, 1, MIDNIGHT)
    elsewhere = replace(task_of(2, 5, MICRO_USD, Tier.HAIKU, "C2"), requester="U7")
    named_only = Budgets(channels=budgets.channels, people=budgets.people, tiers=budgets.tiers)
    assert admit(elsewhere, named_only, EMPTY) == MICRO_USD


def test_a_cap_that_no_day_could_hold_is_refused_at_once_unless_urgent() -> None:
    limits = {ALL: 10 * MICRO_USD}
    assert never_fits(5, 9 * MICRO_USD, limits, urgent=MICRO_USD) is None
    assert never_fits(5, 10 * MICRO_USD, limits, urgent=MICRO_USD) == ALL
    assert never_fits(4, 99 * MICRO_USD, limits, urgent=MICRO_USD) is None


TOLD = Shortage(ALL, 100, 40, 10, 5, MIDNIGHT)


@pytest.mark.parametrize(
    ("now", "stale"),
    [
        (TOLD, False),
        (replace(TOLD, spent_micro_usd=45, reserved_micro_usd=5), False),
        (replace(TOLD, spent_micro_usd=46), True),
        (replace(TOLD, reserved_micro_usd=4), True),
        (replace(TOLD, reserved_micro_usd=0), True),
        (replace(TOLD, scope="tier:opus"), True),
        (replace(TOLD, limit_micro_usd=101), True),
        (replace(TOLD, kept_micro_usd=0), True),
        (replace(TOLD, resets_at=MIDNIGHT + timedelta(days=1)), True),
    ],
)
def test_what_was_told_of_a_shortage_grows_old(now: Shortage, stale: bool) -> None:
    assert is_stale(TOLD, now) is stale


def test_it_grows_old_by_a_cent_where_nothing_is_left() -> None:
    assert is_stale(replace(TOLD, spent_micro_usd=94), replace(TOLD, spent_micro_usd=95))


def test_people_are_told_at_each_step() -> None:
    assert [reached(100, spent) for spent in (0, 49, 50, 79, 80, 99, 100, 250)] == [
        None, None, 50, 50, 80, 80, 100, 100,
    ]  # fmt: skip
    assert STEPS == (50, 80, 100)


@given(AMOUNT, AMOUNT, st.integers(1, 10), AMOUNT, LIMIT, AMOUNT)
def test_an_allowance_is_never_more_than_what_is_left(
    spent: int, reserved: int, priority: int, cap: int, limit: int | None, urgent: int
) -> None:
    day = standing(
        [Line(Tier.SONNET, "C1", "U1", spent)], [Line(Tier.SONNET, "C1", "U1", reserved)], MIDNIGHT
    )
    found = admit(task_of(1, priority, cap), Budgets(everybody=limit, urgent=urgent, person=limit), day)
    if isinstance(found, Shortage):
        assert limit is not None
    else:
        assert 0 <= found <= cap
        assert limit is None or found <= limit - spent - reserved


class BudgetMachine(RuleBasedStateMachine):
    """Sessions side by side: however they start, spend and end, no budget is ever overshot."""

    budgets = Budgets(
        everybody=40 * MICRO_USD,
        urgent=5 * MICRO_USD,
        channel=25 * MICRO_USD,
        person=20 * MICRO_USD,
        tiers={Tier.OPUS: 15 * MICRO_USD},
    )

    def __init__(self) -> None:
        super().__init__()
        self.spent: list[Line] = []
        self.running: list[tuple[Task, int]] = []
        self.last = 0

    def line(self, task: Task, amount: int) -> Line:
        return Line(task.route.tier, task.channel, task.requester, amount)

    def day(self) -> Standing:
        return standing(self.spent, [self.line(task, left) for task, left in self.running], MIDNIGHT)

    @rule(
        priority=st.integers(1, 10),
        cap=AMOUNT,
        tier=st.sampled_from(Tier),
        channel=st.sampled_from(["C1", "C2", ""]),
    )
    def start(self, priority: int, cap: int, tier: Tier, channel: str) -> None:
        self.last += 1
        task = task_of(self.last, priority, cap, tier, channel)
        allowed = admit(task, self.budgets, self.day())
        if not isinstance(allowed, Shortage):
            self.running.append((task, allowed))
            assert self.day() == self.day_with(task, allowed)

    def day_with(self, task: Task, allowed: int) -> Standing:
        *others, _ = self.running
        before = standing(self.spent, [self.line(one, left) for one, left in others], MIDNIGHT)
        return before.with_reserved(task, allowed)

    @precondition(lambda self: self.running)
    @rule(pick=st.integers(0), part=st.floats(0, 1), ends=st.booleans())
    def spend(self, pick: int, part: float, ends: bool) -> None:
        task, left = self.running.pop(pick % len(self.running))
        amount = int(left * part)
        self.spent.append(self.line(task, amount))
        if not ends:
            self.running.append((task, left - amount))

    @invariant()
    def no_budget_is_overshot(self) -> None:
        day = self.day()
        for scope, limit in self.budgets.named(day.spent).items():
            assert day.spent.get(scope, 0) + day.reserved.get(scope, 0) <= limit


TestBudgetMachine = BudgetMachine.TestCase
