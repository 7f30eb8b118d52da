"""How fast the queue is, as ratios that hold on any machine. Run: python -m tests.benchmarks.bench_queue"""

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import aiosqlite

from dispatch.policy import Seating, Settlement
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.store import Store
from dispatch.task import NewTask, Outcome, Source, State, Tier, Verdict
from tests.integration.history import fill

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LEASE = timedelta(minutes=2)
CLAIMS = 400
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
        rates = [(await ours(folder / f"o{n}.db"), await plain(folder / f"p{n}.db")) for n in range(ROUNDS)]
        ratio = median(own / bare for own, bare in rates)
        own, bare = (median(column) for column in zip(*rates, strict=True))
        say(f"drain  {own:.0f} tasks a second, {bare:.0f} in bare aiosqlite: x{ratio:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
