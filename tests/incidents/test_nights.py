"""A flood and a long outage, played on a moved clock: nothing lost, nothing paid twice, nobody forgotten."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from dispatch.budget import Budgets
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.terms import Terms
from dispatch.usage import MICRO_USD
from tests.benchmarks import nights, workload
from tests.benchmarks.nights import NIGHTS, OUTAGE_BEGINS, STALE, TERMS, Result, night, outage, show, week
from tests.benchmarks.reckoning import Story

SMALL = replace(TERMS, budgets=Budgets(everybody=24 * MICRO_USD, urgent=4 * MICRO_USD))


def put_in(result: Result, priority: int) -> list[Story]:
    """The five of that priority that came between the flood."""
    return [story for story in result.told if story.arrival.beside and story.arrival.priority == priority]


def test_what_is_drawn_costs_and_takes_what_was_measured() -> None:
    drawn = workload.days(Random(1), nights.MIDNIGHT, 30, 120, workload.PRIORITIES)
    assert 0.4 < fmean(one.cost_micro_usd for one in drawn) / MICRO_USD < 0.6
    for tier, (mean, least, most, _) in workload.SECONDS.items():
        of = [one.seconds for one in drawn if route(one.priority, None, None, DEFAULT_TABLE).tier is tier]
        assert fmean(of) == pytest.approx(mean, rel=0.15)
        assert min(of) >= least
        assert max(of) <= most


@pytest.mark.long
async def test_a_flood_keeps_to_its_budget_and_the_same_seed_gives_the_same_night(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = await night(SMALL, 7, tmp_path / "one", 50, timedelta(hours=1))
    show(one)
    assert len(one.told) == 60
    assert any(story.short for story in one.told), "a budget had no room for some"
    assert len(put_in(one, 1)) == len(put_in(one, 10)) == 5
    two = await night(SMALL, 7, tmp_path / "two", 50, timedelta(hours=1))
    assert two.lines == one.lines


@pytest.mark.long
async def test_an_outage_of_42_hours_costs_no_task_no_attempt_and_no_more_than_its_probes(
    tmp_path: Path,
) -> None:
    result = await outage(1, tmp_path)
    show(result)
    begins, ends = OUTAGE_BEGINS, OUTAGE_BEGINS + timedelta(hours=42)
    came = [story for story in result.told if begins <= story.arrival.at < ends]
    expired = [story for story in came if story.arrival.expires_at]
    assert {story.task.state for story in expired} == {State.EXPIRED}
    assert len(expired) == round(STALE * len(came)) > 20
    assert all(
        story.waited and story.waited >= ends - story.arrival.at for story in came if story not in expired
    )


@pytest.mark.long
async def test_526_tasks_in_a_night_of_100_dollars(tmp_path: Path) -> None:
    result = await night(TERMS, 1, tmp_path)
    show(result)
    assert len(result.told) == 536
    assert sum(story.short > 0 for story in result.told) > 200, "more came in than the day can pay"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("terms", NIGHTS[1:], ids=["large budget", "one seat"])
async def test_with_money_enough_a_p1_never_waits_behind_the_flood(
    tmp_path: Path, terms: Terms, seed: int
) -> None:
    result = await night(terms, seed, tmp_path)
    show(result)
    waited = [story.waited for story in put_in(result, 1)]
    assert all(one is not None and one < timedelta(minutes=15) for one in waited), waited


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_week(tmp_path: Path) -> None:
    result = await week(1, tmp_path)
    show(result)
    assert len(result.told) == 840
