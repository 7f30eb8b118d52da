"""How fast the queue is, as ratios that hold on any machine. Run: python -m tests.benchmarks.bench_queue"""

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

import aiosqlite

from dispatch.budget import Purse
from dispatch.forecaster import Forecaster
from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.rows import bound
from dispatch.task import NewTask, Outcome, Source, Tier, Verdict
from dispatch.terms import DEFAULT_BUDGETS, PEOPLES_QUOTA, Terms
from dispatch.usage import MICRO_USD
from tests.integration.history import fill, fill_day, fill_line

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LEASE = timedelta(minutes=2)
MIDNIGHT = NOW.replace(hour=0)
CLAIMS = 400
FEW = 100
WAITING = 900
TASKS = 500
SLOTS = 10
ROUNDS = 5

PLAIN = """
CREATE TABLE task (id INTEGER PRIMARY KEY, state TEXT, priority INTEGER, words TEXT, answer TEXT);
CREATE INDEX ready ON task (priority, id) WHERE state = 'queued';
"""
PLAIN_CLAIM = """
UPDATE task SET state = 'running' WHERE id = (
    SELECT id FROM task WHERE state = 'queued' ORDER BY priority, id LIMIT 1
) RETURNING id
"""


def say(line: str) -> None:
    """One line of the result."""
    sys.stdout.write(line + "\n")


async def add(store: Store, count: int) -> None:
    """So many queued tasks."""
    for number in range(count):
        new = NewTask(f"new:{number}", Source.CLI, "U1", "words", 3, channel="C1")
        await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)


async def claim_ms(path: Path) -> float:
    """The median of a claim, in milliseconds."""
    store = await Store.open(path)
    await add(store, CLAIMS)
    times = []
    for _ in range(CLAIMS):
        start = perf_counter()
        assert await store.queue.claim(Tier.OPUS, Seating(CLAIMS), NOW + LEASE, NOW)
        times.append(perf_counter() - start)
    await store.close()
    return median(times) * 1000


async def with_history(folder: Path, tasks: int) -> float:
    """The median of a claim behind so many tasks of the past."""
    path = folder / f"{tasks}.db"
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        fill(raw, tasks)
    return await claim_ms(path)


async def in_line(folder: Path) -> tuple[float, float]:
    """The medians of a claim from a line of 1,000 tasks and from one of 100,000, of a thousand requesters."""
    short = await filled(folder / "short.db", 1_000)
    return await claims_ms(short, await filled(folder / "long.db", 100_000), None)


async def with_budgets(folder: Path) -> tuple[float, float]:
    """The medians of a claim that asks the budgets, with no request booked today and with 10,000."""
    idle, busy = [await filled(folder / f"day{many}.db", 2 * FEW, many) for many in (0, 10_000)]
    budgets = replace(DEFAULT_BUDGETS, everybody=1_000_000 * MICRO_USD)
    return await claims_ms(idle, busy, Purse(budgets, MIDNIGHT, MIDNIGHT + timedelta(days=1)))


async def filled(path: Path, queued: int, requests: int = 0) -> Path:
    """A file with so many queued tasks, on a day with so many requests."""
    await (await Store.open(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        fill_day(raw, requests, bound(MIDNIGHT), bound(NOW))
        fill_line(raw, queued)
    return path


async def claims_ms(one: Path, other: Path, purse: Purse | None) -> tuple[float, float]:
    """The medians of a claim on each file, in milliseconds; each task is done before the next is claimed."""

    async def claimed(store: Store) -> float:
        start = perf_counter()
        claim = await store.queue.claim(Tier.OPUS, Seating(SLOTS, 1, 4), NOW + LEASE, NOW, purse)
        took = perf_counter() - start
        assert claim
        await store.queue.settle(claim, Outcome(Verdict.ANSWERED, "a"), Settlement(State.DONE), NOW)
        return took

    return await in_turns(one, other, claimed)


async def enqueues_ms(folder: Path) -> tuple[float, float]:
    """The medians of storing a task with nobody waiting and with nearly as many as may wait."""
    empty, full = [await filled(folder / f"full{tasks}.db", tasks) for tasks in (0, WAITING)]

    async def stored(store: Store) -> float:
        number = sum((await store.queue.counts()).values())
        new = NewTask(f"new:{number}", Source.CLI, "U1", "words", 3, channel="C1")
        start = perf_counter()
        await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW, PEOPLES_QUOTA)
        return perf_counter() - start

    return await in_turns(empty, full, stored)


async def in_turns(one: Path, other: Path, timed: Callable[[Store], Awaitable[float]]) -> tuple[float, float]:
    """The medians in milliseconds on both files, taken by turns so that a busy machine slows both."""
    stores = await Store.open(one), await Store.open(other)
    times = [[await timed(store) for store in stores] for _ in range(FEW - 1)]
    for store in stores:
        await store.close()
    first, second = (median(column) * 1000 for column in zip(*times, strict=True))
    return first, second


async def cards_ms(folder: Path) -> tuple[float, float]:
    """The medians of all that a card says of the last in a line of 100 and in one of 10,000."""
    short, long = [await filled(folder / f"cards{many}.db", many) for many in (100, 10_000)]
    terms = Terms(DEFAULT_TABLE, ZoneInfo("UTC"))

    async def said(store: Store) -> float:
        last = await store.queue.task((await store.queue.line(Tier.OPUS, 10_000))[-1].task_id)
        forecaster = Forecaster(store.queue, store.gates, terms)
        start = perf_counter()
        assert (await forecaster.of(last, NOW)).place
        return perf_counter() - start

    return await in_turns(short, long, said)


async def ours(path: Path) -> float:
    """Tasks drained in a second, each stored, claimed and settled durably."""
    store = await Store.open(path)
    start = perf_counter()
    await add(store, TASKS)

    async def slot() -> None:
        while claim := await store.queue.claim(Tier.OPUS, Seating(SLOTS), NOW + LEASE, NOW):
            await store.queue.settle(claim, Outcome(Verdict.ANSWERED, "a"), Settlement(State.DONE), NOW)

    await asyncio.gather(*(slot() for _ in range(SLOTS)))
    took = perf_counter() - start
    await store.close()
    return TASKS / took


async def plain(path: Path) -> float:
    """The same three commits in bare aiosqlite, with no history, outbox or guard."""
    connection = await aiosqlite.connect(path, isolation_level=None)
    await connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + PLAIN)
    start = perf_counter()
    for _ in range(TASKS):
        await connection.execute_fetchall(
            "INSERT INTO task (state, priority, words) VALUES ('queued', 3, 'x')"
        )

    async def slot() -> None:
        while rows := list(await connection.execute_fetchall(PLAIN_CLAIM)):
            await connection.execute_fetchall(
                "UPDATE task SET state = 'done', answer = 'a' WHERE id = ?", (rows[0][0],)
            )

    await asyncio.gather(*(slot() for _ in range(SLOTS)))
    took = perf_counter() - start
    await connection.close()
    return TASKS / took


async def main() -> None:
    """Prints every number and its ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = await with_history(folder, 1_000), await with_history(folder, 1_000_000)
        say(
            f"claim  {small:.2f} ms behind 1,000 tasks, {large:.2f} ms behind 1,000,000: x{large / small:.2f}"
        )
        small, large = await in_line(folder)
        say(f"claim  {small:.2f} ms in a line of 1,000, {large:.2f} ms of 100,000: x{large / small:.2f}")
        small, large = await with_budgets(folder)
        say(
            f"claim  {small:.2f} ms with budgets and no request booked today, {large:.2f} ms with 10,000: "
            f"x{large / small:.2f}"
        )
        small, large = await enqueues_ms(folder)
        say(f"store  {small:.2f} ms with none waiting, {large:.2f} ms with {WAITING}: x{large / small:.2f}")
        small, large = await cards_ms(folder)
        say(f"card   {small:.2f} ms in a line of 100, {large:.2f} ms of 10,000: x{large / small:.2f}")
        rates = [(await ours(folder / f"o{n}.db"), await plain(folder / f"p{n}.db")) for n in range(ROUNDS)]
        ratio = median(own / bare for own, bare in rates)
        own, bare = (median(column) for column in zip(*rates, strict=True))
        say(f"drain  {own:.0f} tasks a second, {bare:.0f} in bare aiosqlite: x{ratio:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
