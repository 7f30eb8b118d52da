"""A 526-task night, a 42-hour outage and a week on a moved clock: no model, no network, no waiting.

Run: python -m tests.benchmarks.nights [night|outage|week|all] [--seed N]

The same seed gives the same numbers. The queue is the real one on a real file; where the disk is slow to
sync, TMPDIR=/dev/shm makes it quicker and changes no number.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.budget import Budgets
from dispatch.faults import RUNTIME_FAULTS
from dispatch.gates import LONGEST, GateState
from dispatch.routing import DEFAULT_TABLE
from dispatch.states import State
from dispatch.terms import DEFAULT_BUDGETS, Terms
from dispatch.usage import MICRO_USD
from tests.benchmarks import workload
from tests.benchmarks.reckoning import Story, check, dollars, spent, spoken, stories, table, waits, warnings
from tests.benchmarks.simulation import Simulation

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
OUTAGE_BEGINS = MIDNIGHT + timedelta(hours=8)
TERMS = Terms(DEFAULT_TABLE, ZoneInfo("UTC"), operators_channel="COPS00001")
ONE_SEAT = {tier: replace(rule, seats=1) for tier, rule in DEFAULT_TABLE.items()}
NIGHTS = (
    TERMS,
    replace(TERMS, budgets=replace(DEFAULT_BUDGETS, everybody=250 * MICRO_USD)),
    replace(TERMS, budgets=Budgets(), table=ONE_SEAT),
)
"""A day's money as by default, more than twice as much, and none: then only one seat in each tier decides."""

A_DAY = 30
"""Tasks a day around the outage: one to one and a half an hour."""

STALE = 0.6
"""The share of those who came in during the outage that nobody needed any more when it ended."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a span came to: its lines, and the tasks behind them."""

    lines: tuple[str, ...]
    told: tuple[Story, ...]


async def night(
    terms: Terms, seed: int, folder: Path, tasks: int = 526, lasts: timedelta = timedelta(hours=10)
) -> Result:
    """A flood, until all of it has ended."""
    coming = workload.night(Random(seed), MIDNIGHT, tasks, lasts)
    async with Simulation.at(folder / "night.db", terms, MIDNIGHT, seed) as simulation:
        await simulation.play(coming)
        told = await stories(simulation, coming)
        await check(simulation, coming, told)
        urgent = [story.waited for story in told if story.arrival.priority == 1 and story.arrival.beside]
        lines = [
            f"night: {len(coming)} tasks in {spoken(lasts)}, {_in_words(terms)}, seed {seed}",
            *table(told),
            f"  the five p1 waited {', '.join(spoken(waited) for waited in urgent if waited is not None)}",
            *await _money(simulation, told),
        ]
    return Result(tuple(lines), tuple(told))


async def outage(seed: int, folder: Path, lasts: timedelta = timedelta(hours=42)) -> Result:
    """Ordinary days with the key refused for so long."""
    since, until = OUTAGE_BEGINS, OUTAGE_BEGINS + lasts
    days = (until - MIDNIGHT) // timedelta(days=1) + 2
    chance = Random(seed)
    ordinary = workload.days(chance, MIDNIGHT, days, A_DAY, workload.PRIORITIES)
    coming = workload.hurried(chance, ordinary, since, until, STALE)
    works = lambda now: not since <= now < until  # noqa: E731
    async with Simulation.at(folder / "outage.db", TERMS, MIDNIGHT, seed, works) as simulation:
        await simulation.play(coming)
        told = await stories(simulation, coming)
        await check(simulation, coming, told)
        gates = await simulation.dispatcher.gates()
        assert all(gate.state is GateState.OPEN for gate in gates.values())
        lines = _of_outage(simulation, told, since, until)
        lines += [*table(told), *await _money(simulation, told)]
    return Result((f"outage: the key refused for {spoken(lasts)}, seed {seed}", *lines), tuple(told))


async def week(seed: int, folder: Path, days: int = 7, a_day: int = 120) -> Result:
    """Ordinary days of 10 % Opus, 60 % Sonnet and 30 % Haiku."""
    coming = workload.days(Random(seed), MIDNIGHT, days, a_day, workload.SEED_WEEK)
    async with Simulation.at(folder / "week.db", TERMS, MIDNIGHT, seed) as simulation:
        await simulation.play(coming)
        told = await stories(simulation, coming)
        await check(simulation, coming, told)
        lines = [
            f"week: {len(coming)} tasks in {days} days, {_in_words(TERMS)}, seed {seed}",
            *table(told),
            *await _money(simulation, told),
        ]
    return Result(tuple(lines), tuple(told))


def _of_outage(simulation: Simulation, told: list[Story], since: datetime, until: datetime) -> list[str]:
    lasts = until - since
    closed = min(knock.ended for knock in simulation.seats.knocks)
    under_way = {
        (story.task.id, attempt.number)
        for story in told
        for attempt in story.attempts
        if attempt.started_at < closed
    }
    probes = [knock for knock in simulation.seats.knocks if knock.attempt not in under_way]
    assert len({knock.attempt for knock in probes}) == len(probes), "one request for each opening"
    for one, next_one in pairwise(probes):
        assert one.ended < next_one.begun, "one at a time"
    came = [story for story in told if since <= story.arrival.at < until]
    expired = [story for story in came if story.task.state is State.EXPIRED]
    assert all(story.task.cost_micro_usd == 0 for story in expired), "what expired has cost nothing"
    assert lasts / LONGEST <= len(probes) <= 2 * lasts / LONGEST + 10, "as patient as the gate is"
    burnt = sum(story.task.strikes - _own_faults(story) for story in told)
    assert burnt == 0, "an outage burns no attempt"
    waiting = [
        story
        for story in told
        if story.arrival.at < until and story.task.finished_at is not None and story.task.finished_at > until
    ]
    cleared = max((story.task.finished_at for story in waiting if story.task.finished_at), default=until)
    found = min((start.at for start in simulation.seats.starts if start.at >= until), default=until)
    return [
        f"  {len(came)} tasks came in meanwhile: {len(expired)} expired, {len(came) - len(expired)} ran",
        f"  {len(probes)} probes, one at a time; no task lost, {burnt} attempts burnt",
        f"  queued when it ended: {len(waiting)}; noticed after {spoken(found - until)}, "
        f"all of them done after {spoken(cleared - until)}",
        f"  those waited {waits(waiting, 0.5)} (p50), {waits(waiting, 0.9)} (p90), {waits(waiting, 1)} (max)",
    ]


def _own_faults(story: Story) -> int:
    faults = [attempt.fault for attempt in story.attempts]
    return sum(fault is not None and fault.kind not in RUNTIME_FAULTS for fault in faults)


def _in_words(terms: Terms) -> str:
    seats = "/".join(str(rule.seats) for rule in terms.table.values())
    if terms.budgets.everybody is None:
        return f"{seats} seats, no budget"
    kept = dollars(terms.budgets.urgent)
    return f"{seats} seats, {dollars(terms.budgets.everybody)} a day, {kept} of it for p1 and p2"


async def _money(simulation: Simulation, told: list[Story]) -> list[str]:
    limit = simulation.terms.budgets.everybody
    by_day = await spent(simulation, told)
    of = "" if limit is None else f" of {dollars(limit)} a day"
    total, told_of = sum(by_day.values()), ", ".join(warnings(simulation)) or "none"
    lines = [
        f"  spent {dollars(total)}, the ledger and the cards agree{of}:"
        f" {', '.join(f'{day[5:]} {dollars(cost)}' for day, cost in by_day.items())}",
        f"  {simulation.seats.cut} sessions cut at their limit; "
        f"{len(simulation.refused)} requests refused for want of room, and told so",
    ]
    return lines if limit is None else [*lines, f"  budget steps told, each once: {told_of}"]


Play = Callable[[int, Path], Coroutine[Any, Any, Result]]


def _plays() -> Mapping[str, list[Play]]:
    nights: list[Play] = [partial(night, terms) for terms in NIGHTS]
    return {"night": nights, "outage": [outage], "week": [week], "all": [*nights, outage, week]}


def show(result: Result) -> None:
    """Prints it."""
    sys.stdout.write("\n".join(result.lines) + "\n\n")
    sys.stdout.flush()


async def main(what: str, seed: int) -> None:
    """Plays what was asked for and prints it."""
    for play in _plays()[what]:
        with tempfile.TemporaryDirectory() as folder:
            show(await play(seed, Path(folder)))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(prog="python -m tests.benchmarks.nights")
    asked.add_argument("what", nargs="?", choices=["night", "outage", "week", "all"], default="all")
    asked.add_argument("--seed", type=int, default=1)
    arguments = asked.parse_args()
    asyncio.run(main(arguments.what, arguments.seed))
