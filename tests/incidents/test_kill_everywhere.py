"""Killed at every step from request to reply, Onequeue loses nothing, books everything and answers once."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.incidents.asks import ASKS, SLASH, Ask
from tests.incidents.killable import TELL
from tests.incidents.reckoning import Reckoning, mark, pieces_of, reckon
from tests.incidents.world import Step, World, world_in

WORLDS = 6
SHARED = 6
LEAST_KILLS = 300


@dataclass(frozen=True, slots=True)
class Point:
    """Where to kill: at the step of that name and number after the ask, then perhaps once more, at one
    after the next start."""

    ask: Ask
    step: Step
    number: int
    again: tuple[Step, int] | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What became of one point. `killed` are the steps at which it was really killed."""

    point: Point
    killed: tuple[Step, ...]
    seconds: float
    reckoning: Reckoning


FIRST = (Step("after", "request", "/v1/messages"), Step("after", "request", "chat.postMessage"))
"""Where a life is killed whose successor is killed too: with a request under way, with a card in doubt."""


async def rehearse(world: World, ask: Ask) -> tuple[list[Step], list[int]]:
    """The steps of one such ask where nothing is killed, and how many pieces each of its answers has."""
    await world.quiet()
    since = mark(world)
    await world.lives.arm(TELL)
    asked = await ask.act(world)
    await world.quiet()
    pieces = pieces_of(world, since)
    assert asked.acknowledged
    assert not reckon(world, since, ask, asked, pieces, kills=0).faults
    return list(world.lives.steps), pieces


async def rehearse_recovery(world: World, first: Step) -> list[Step]:
    """The steps of the life that follows one which was killed at that step."""
    await world.quiet()
    await world.lives.arm((first, 1))
    acting = asyncio.create_task(SLASH.act(world))
    await world.lives.until(lambda: world.lives.dead)
    await world.lives.begin(TELL)
    await acting
    await world.quiet()
    return list(world.lives.steps)


async def points(world: World) -> tuple[list[Point], dict[Ask, list[int]]]:
    """Where to kill: at every step of a plain task, at every step by name that only other tasks take, and at
    one of `SHARED` of the names that they share; and twice, at some of the names of the next start."""
    steps, pieces = {}, {}
    for ask in ASKS:
        steps[ask], pieces[ask] = await rehearse(world, ask)
    plain = Counter(steps[SLASH])
    found = [Point(SLASH, step, number) for step, times in plain.items() for number in range(1, times + 1)]
    for turn, ask in enumerate(ASKS[1:]):
        names = list(dict.fromkeys(steps[ask]))
        shared = [step for step in names if step in plain][turn % SHARED :: SHARED]
        found += [Point(ask, step, 1) for step in names if step not in plain or step in shared]
    for turn, first in enumerate(FIRST):
        names = list(dict.fromkeys(await rehearse_recovery(world, first)))
        found += [Point(SLASH, first, 1, (step, 1)) for step in names[turn :: SHARED // len(FIRST)]]
    return found, pieces


async def play(world: World, point: Point, pieces: Sequence[int]) -> Round:
    """Asks, kills there, starts again, and reckons once all is quiet."""
    since, killed = mark(world), list[Step]()
    await world.lives.arm((point.step, point.number))
    acting = asyncio.create_task(point.ask.act(world))
    await world.dead_or_quiet(acting)
    started = world.clock.now()
    for order in (point.again, None) if point.again else (None,):
        if world.lives.killed is None:
            break
        killed.append(world.lives.killed)
        started = world.clock.now()
        await world.lives.begin(order)
        await world.dead_or_quiet(acting)
    seconds = (world.clock.now() - started).total_seconds()
    if not killed:
        # What is late, a command on a slow machine for one, must not run into the next round.
        await world.lives.kill()
        if world.lives.killed is not None:
            killed.append(world.lives.killed)
        await world.lives.begin()
        await world.quiet()
    reckoning = reckon(world, since, point.ask, await acting, pieces, len(killed))
    world.claude.recover()
    return Round(point, tuple(killed), seconds, reckoning)


async def play_all(world: World, left: Iterator[Point], pieces: dict[Ask, list[int]]) -> list[Round]:
    """One point after the other, as long as there are any."""
    await world.quiet()
    return [await play(world, point, pieces[point.ask]) for point in left]


@pytest.fixture
async def worlds(tmp_path: Path) -> AsyncIterator[list[World]]:
    folders = [tmp_path / f"world {number}" for number in range(WORLDS)]
    for folder in folders:
        folder.mkdir()
    async with AsyncExitStack() as closing:
        found = [await closing.enter_async_context(world_in(folder)) for folder in folders]
        await asyncio.gather(*(world.lives.begin() for world in found))
        yield found


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_killed_at_every_step_nothing_is_lost_doubled_or_unbooked(
    worlds: list[World], capsys: pytest.CaptureFixture[str]
) -> None:
    found, pieces = await points(worlds[0])
    left = iter(found)
    played = await asyncio.gather(*(play_all(world, left, pieces) for world in worlds))
    rounds = [one for some in played for one in some]
    with capsys.disabled():
        sys.stdout.write(table(rounds) + "\n")

    faults = [
        f"{one.point.ask.name}, {one.killed}: {fault}" for one in rounds for fault in one.reckoning.faults
    ]
    assert not faults, "\n".join(faults)
    killed = [step for one in rounds for step in one.killed]
    assert len(killed) >= LEAST_KILLS
    assert len(killed) >= 0.9 * sum(2 if point.again else 1 for point in found), "most points were reached"
    planned = {(step.side, step.kind) for step in (point.step for point in found)}
    assert {(step.side, step.kind) for step in killed} >= planned, "every kind of step was killed at"
    booked = sum((one.reckoning.booked for one in rounds), Counter[str]())
    assert min(booked["exact"], booked["estimated"], booked["unknown, served"]) > 0, (
        "requests were really cut"
    )


def table(rounds: Sequence[Round]) -> str:
    """What was killed and what came of it, by kind of step, ask and way of booking."""
    lines = ["", f"{'killed at':<28}kills lost doubled missing ledger   p50 s   max s"]
    by_kind: dict[str, list[Round]] = {}
    for one in rounds:
        for step in one.killed[-1:]:
            by_kind.setdefault(f"{step.side} {step.kind}", []).append(one)
            by_kind.setdefault(one.point.ask.name + (", twice" if one.point.again else ""), []).append(one)
    for name, some in [*sorted(by_kind.items()), ("all", [one for one in rounds if one.killed])]:
        found = [one.reckoning for one in some]
        sums = (sum(len(part) for part in parts) for parts in zip(*map(_parts, found), strict=True))
        lost, doubled, missing, ledger = sums
        seconds = sorted(one.seconds for one in some)
        kills = sum(len(one.killed) for one in some)
        lines.append(
            f"{name:<28}{kills:>5}{lost:>5}{doubled:>8}{missing:>8}{ledger:>7}"
            f"{seconds[len(seconds) // 2]:>8.2f}{seconds[-1]:>8.2f}"
        )
    booked = sum((one.reckoning.booked for one in rounds), Counter[str]())
    lines += [f"not reached: {sum(not one.killed for one in rounds)}", f"requests booked: {dict(booked)}"]
    return "\n".join(lines)


def _parts(found: Reckoning) -> tuple[list[str], ...]:
    return found.lost, found.doubled, found.missing, found.ledger
