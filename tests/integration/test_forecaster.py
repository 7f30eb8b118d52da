"""When a queued task starts, as its line, the seats, the gates and its own requester's tasks let it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.budget import Budgets
from dispatch.faults import Fault, FaultKind
from dispatch.forecast import Place, Range, Seats, Today
from dispatch.forecaster import KEPT, Forecaster
from dispatch.gates import Gate, GateState
from dispatch.policy import Settlement
from dispatch.states import State
from dispatch.task import Outcome, Task, Tier, Verdict
from dispatch.terms import Terms
from dispatch.usage import Price, Usage
from tests.contracts.stores import NOW, Parts, open_sqlite
from tests.integration.post_room import TERMS

LASTS = timedelta(minutes=10)
DOLLAR = 1_000_000


@dataclass
class Desk:
    """A store in which five tasks for Opus have been answered, each after ten minutes and for a dollar."""

    store: Parts

    def forecaster(self, terms: Terms = TERMS) -> Forecaster:
        return Forecaster(self.store.queue, self.store.gates, terms)

    async def past(self, count: int = 5, priority: int = 3, words: str = "past") -> None:
        for number in range(count):
            task = await self.store.add(f"{words}{number}", priority, requester="UPAST")
            claim = await self.store.claim(task.route.tier)
            booking = await self.store.ledger.open(claim, "m", NOW)
            await self.store.ledger.book(
                booking,
                model="m",
                request_id="r",
                usage=Usage(),
                price=Price(DOLLAR, "v1"),
                estimated=False,
                now=NOW,
            )
            await self.store.settle(claim, State.DONE, NOW + LASTS)

    async def running(self, count: int, requester: str = "USAM", priority: int = 3) -> None:
        for number in range(count):
            task = await self.store.add(f"{requester}{priority}runs{number}", priority, requester=requester)
            await self.store.claim(task.route.tier)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(await open_sqlite(tmp_path))
    await made.past()
    yield made
    await made.store.close()


async def starts(desk: Desk, task: Task, at: timedelta = timedelta(0)) -> timedelta | None:
    return (await desk.forecaster().of(task, NOW + at)).starts_in


async def test_what_is_usual_is_that_of_the_tier(desk: Desk) -> None:
    task = await desk.store.add("new")
    outlook = await desk.forecaster().of(task, NOW)
    assert outlook.usual.micro_usd == Range(DOLLAR, DOLLAR)
    assert outlook.usual.seconds == Range(600, 600)
    assert outlook.place == Place(0, 1)
    assert outlook.seats == Seats(2, 0, 3)
    assert outlook.starts_in == timedelta(0)
    other = await desk.forecaster().of(await desk.store.add("haiku", 9), NOW)
    assert (other.usual.samples, other.usual.micro_usd) == (0, None)


async def test_a_seat_comes_free_when_who_runs_has_lasted_as_long_as_usual(desk: Desk) -> None:
    await desk.running(2)
    first, second = await desk.store.add("a"), await desk.store.add("b")
    third = await desk.store.add("c")
    assert await starts(desk, first) == LASTS
    assert await starts(desk, first, timedelta(minutes=4)) == timedelta(minutes=6)
    assert await starts(desk, second) == LASTS
    assert await starts(desk, third) == 2 * LASTS


async def test_the_kept_seat_is_free_for_the_urgent_alone(desk: Desk) -> None:
    await desk.running(2)
    urgent, other = await desk.store.add("u", 1), await desk.store.add("o")
    assert await starts(desk, urgent) == timedelta(0)
    assert await starts(desk, other) == LASTS


async def test_who_has_as_many_running_as_one_may_waits_for_the_first_to_end(desk: Desk) -> None:
    await desk.running(4, "UANA", 9)
    own, other = (
        await desk.store.add("own", requester="UANA"),
        await desk.store.add("other", requester="UKIM"),
    )
    assert await starts(desk, own) == LASTS
    assert await starts(desk, other) == timedelta(0)


async def test_a_gate_lets_nobody_start_before_it_opens_and_may_open_at_no_known_time(desk: Desk) -> None:
    task = await desk.store.add("a")
    claim = await desk.store.claim()
    failed = Outcome(Verdict.FAILED, fault=Fault(FaultKind.RATE_LIMITED))
    gate = Gate("opus", GateState.CLOSED, FaultKind.RATE_LIMITED, opens_at=NOW + LASTS)
    task = await desk.store.queue.settle(claim, failed, Settlement(State.QUEUED, gates=(gate,)), NOW)
    assert await starts(desk, task) == LASTS
    other = await desk.store.add("b", 9)
    claim = await desk.store.claim(Tier.HAIKU)
    account = Gate("account", GateState.CLOSED, FaultKind.SUSPENDED)
    await desk.store.queue.settle(claim, failed, Settlement(State.QUEUED, gates=(account,)), NOW)
    assert await starts(desk, task) is None
    assert (await desk.forecaster().of(await desk.store.queue.task(other.id), NOW)).starts_in is None


async def test_many_are_told_as_each_is(desk: Desk) -> None:
    await desk.running(2)
    tasks = [await desk.store.add(f"t{number}", 1 + number % 10) for number in range(12)]
    told = await desk.forecaster().of_all(tasks, NOW)
    for task in tasks:
        assert told[task.id] == await desk.forecaster().of(task, NOW)


async def test_the_front_of_a_line_is_told_as_each_is(desk: Desk) -> None:
    await desk.running(2)
    tasks = [await desk.store.add(f"t{number}") for number in range(6)]
    spots = await desk.forecaster().front(Tier.OPUS, 4, NOW)
    assert [(spot.task_id, spot.ahead) for spot in spots] == [
        (task.id, ahead) for ahead, task in enumerate(tasks[:4])
    ]
    assert [spot.starts_in for spot in spots] == [await starts(desk, task) for task in tasks[:4]]
    assert await desk.forecaster().front(Tier.SONNET, 4, NOW) == []


async def test_what_is_usual_is_read_anew_only_after_some_seconds(desk: Desk) -> None:
    task, forecaster = await desk.store.add("waits", 9), desk.forecaster()
    assert (await forecaster.of(task, NOW)).usual.samples == 0
    await desk.past(5, 8, "since")
    assert (await forecaster.of(task, NOW + KEPT / 2)).usual.samples == 0
    assert (await forecaster.of(task, NOW + KEPT)).usual.samples == 5


async def test_what_is_left_of_the_day_is_told_where_it_has_a_limit(desk: Desk) -> None:
    task = await desk.store.add("a")
    some = replace(TERMS, budgets=Budgets(everybody=50 * DOLLAR))
    none = replace(TERMS, budgets=Budgets())
    assert (await desk.forecaster(some).of(task, NOW)).today == Today(50 * DOLLAR, 45 * DOLLAR)
    assert (await desk.forecaster(none).of(task, NOW)).today is None


async def test_of_what_does_not_wait_only_the_usual_is_told(desk: Desk) -> None:
    task = await desk.store.ended("x", State.DONE)
    outlook = await desk.forecaster().of(task, NOW)
    assert (outlook.place, outlook.seats, outlook.starts_in, outlook.today) == (None, None, None, None)
    assert outlook == (await desk.forecaster().of_all([task], NOW))[task.id]
