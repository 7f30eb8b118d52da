"""The ways a SQLite file loses or refuses what it was given, each by name."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiosqlite
import pytest

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.editions import Edition
from dispatch.errors import StoreBusy, StoreError, StoreUnusable
from dispatch.policy import Seating
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import State
from dispatch.store import Store
from dispatch.store.database import Transaction
from dispatch.store.lock import FileLock
from dispatch.task import NewTask, Source, Task, Tier, Verdict
from tests.contracts.stores import LEASE, NOW
from tests.fakes.turns import turn

PATH = "onequeue.db"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on a new file."""
    opened = await Store.open(tmp_path / PATH)
    yield opened
    await opened.close()


async def add(store: Store, key: str) -> Task:
    """A queued task."""
    new = NewTask(key, Source.CLI, "U1", "words", 3, channel="C1")
    return (await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW))[0]


async def setting(connection: aiosqlite.Connection | None, name: str) -> object:
    """What a PRAGMA says."""
    assert connection is not None
    (row,) = await connection.execute_fetchall(f"PRAGMA {name}")
    return row[0]


async def test_every_commit_reaches_the_disk_before_it_is_acknowledged(store: Store) -> None:
    writer = store.database._writer
    assert await setting(writer, "journal_mode") == "wal"
    assert await setting(writer, "synchronous") == 2
    assert await setting(writer, "foreign_keys") == 1
    assert await setting(writer, "busy_timeout") == 2000
    assert await setting(writer, "journal_size_limit") == 64 * 1024 * 1024
    assert await setting(writer, "temp_store") == 2
    assert await setting(writer, "secure_delete") == 1


async def test_the_reading_connection_cannot_write(store: Store) -> None:
    assert await setting(store.database._reader, "query_only") == 1
    with pytest.raises(StoreUnusable):
        await store.database.rows("tell", edition="daily", channel="C1", day="2026-11-22", now=0)


async def test_a_rollback_takes_nothing_of_others_with_it(store: Store) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fails(transaction: Transaction) -> None:
        await transaction.rows("tell", edition="daily", channel="C1", day="2026-11-20", now=NOW)
        begun.set()
        await go_on.wait()
        raise ZeroDivisionError

    failing = asyncio.create_task(store.database.write(fails))
    await begun.wait()
    adding = asyncio.create_task(add(store, "other"))
    await asyncio.wait({adding}, timeout=0.05)
    assert not adding.done()
    go_on.set()
    with pytest.raises(ZeroDivisionError):
        await failing
    task = await adding
    assert await store.queue.task(task.id) == task
    assert await store.digests.last_day(Edition.DAILY, "C1") is None


async def test_a_cancelled_claim_leaves_no_orphan(store: Store) -> None:
    claims = 300
    for number in range(claims):
        await add(store, f"k{number}")
    kept = 0
    for number in range(claims):
        claiming = asyncio.create_task(store.queue.claim(Tier.OPUS, Seating(claims), NOW + LEASE, NOW))
        for _ in range(number % 25):
            await turn()
        claiming.cancel()
        try:
            kept += await claiming is not None
        except asyncio.CancelledError:
            continue
    assert (await store.queue.counts()).get(State.RUNNING, 0) == kept
    for _ in range(claims - kept):
        assert await store.queue.claim(Tier.OPUS, Seating(claims), NOW + LEASE, NOW)


async def test_a_claim_given_back_is_told_to_nobody(store: Store) -> None:
    task = await add(store, "k")
    claiming = asyncio.create_task(store.queue.claim(Tier.OPUS, Seating(1), NOW + LEASE, NOW))
    await asyncio.wait({claiming}, timeout=0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    assert (await store.queue.task(task.id)).state is State.QUEUED
    assert [attempt.verdict for attempt in await store.queue.attempts(task.id)] == [Verdict.LOST]
    (card,) = await store.outbox.due(NOW, 9)
    await store.outbox.sent(card.id, card.revision, "m1", NOW)
    assert await store.outbox.due(NOW, 9) == []


async def test_other_writes_go_on_to_their_end_when_their_caller_is_cancelled(store: Store) -> None:
    new = NewDelivery("w1", DeliveryKind.WHISPER, "C1", "x")
    putting = asyncio.create_task(store.outbox.put(new, NOW))
    await asyncio.wait({putting}, timeout=0)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert not await store.outbox.put(new, NOW)


async def test_closing_waits_for_what_is_under_way(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / PATH)
    adding = asyncio.create_task(add(store, "k"))
    await asyncio.wait({adding}, timeout=0)
    await store.close()
    await store.close()
    task = await adding
    with pytest.raises(StoreUnusable, match="closed"):
        await add(store, "late")
    with pytest.raises(StoreUnusable, match="closed"):
        await store.queue.task(task.id)
    again = await Store.open(tmp_path / PATH)
    assert await again.queue.task(task.id) == task
    await again.close()


async def test_rows_returned_by_a_write_keep_no_lock(store: Store) -> None:
    await add(store, "k")
    assert await store.queue.claim(Tier.OPUS, Seating(1), NOW + LEASE, NOW)
    other = sqlite3.connect(store.database.path, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
    other.close()


async def test_no_transaction_is_left_open_between_writes(store: Store) -> None:
    writer = store.database._writer
    assert writer is not None
    assert writer.isolation_level is None
    await add(store, "k")
    assert not writer.in_transaction
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        await store.queue.enqueue(
            NewTask("orphan", Source.CLI, "U1", "x", 3, parent=99), route(3, None, None, DEFAULT_TABLE), NOW
        )
    assert not writer.in_transaction


async def test_a_write_after_a_read_never_meets_an_old_snapshot(store: Store) -> None:
    task = await add(store, "k")
    other = sqlite3.connect(store.database.path, isolation_level=None)

    async def read_then_write(transaction: Transaction) -> None:
        await transaction.rows("task", task_id=task.id)
        other.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("UPDATE task SET words = 'changed'")
        await transaction.rows("tell", edition="daily", channel="C1", day="2026-11-22", now=NOW)

    await store.database.write(read_then_write)
    other.close()
    assert await store.digests.last_day(Edition.DAILY, "C1") is not None


def run(script: str, path: Path) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=30, check=False
    )


FORGETFUL = """
import asyncio, sys
from pathlib import Path
from dispatch.store import Store

async def main():
    global store
    store = await Store.open(Path(sys.argv[1]))
    {last}

asyncio.run(main())
print("end")
"""


def test_a_process_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    ended = run(FORGETFUL.format(last="pass"), tmp_path / PATH)
    assert (ended.returncode, ended.stdout) == (0, "end\n")


def test_a_process_that_crashes_still_ends(tmp_path: Path) -> None:
    ended = run(FORGETFUL.format(last="raise SystemExit(7)"), tmp_path / PATH)
    assert ended.returncode == 7


async def test_the_threads_of_both_connections_are_daemons(store: Store) -> None:
    for connection in (store.database._writer, store.database._reader):
        assert connection is not None
        assert connection._thread.is_alive()
        assert connection._thread.daemon


async def test_a_full_disk_keeps_nothing_half_written(store: Store) -> None:
    writer = store.database._writer
    assert writer is not None
    pages = await setting(writer, "page_count")
    await writer.execute_fetchall(f"PRAGMA max_page_count = {pages}")
    new = NewTask("big", Source.CLI, "U1", "x" * 100_000, 3, channel="C1")
    with pytest.raises(StoreUnusable, match="disk is full"):
        await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)
    assert await store.queue.counts() == {}
    await writer.execute_fetchall("PRAGMA max_page_count = 1000000")
    _, created = await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)
    assert created


async def test_a_file_that_became_read_only_is_said(store: Store) -> None:
    writer = store.database._writer
    assert writer is not None
    await writer.execute_fetchall("PRAGMA query_only = ON")
    with pytest.raises(StoreUnusable, match="cannot be written"):
        await add(store, "k")


async def test_a_file_another_program_holds_is_said(store: Store) -> None:
    writer = store.database._writer
    assert writer is not None
    await writer.execute_fetchall("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="another process"):
        await add(store, "k")
    other.execute("ROLLBACK")
    other.close()
    await add(store, "k")


async def test_one_process_holds_the_file_by_whatever_name(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        await Store.open(store.database.path)
    (tmp_path / "link.db").symlink_to(store.database.path)
    with pytest.raises(StoreBusy, match=f"process {os.getpid()}"):
        await Store.open(tmp_path / "link.db")
    await store.close()
    again = await Store.open(store.database.path)
    await again.close()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from dispatch.store.lock import FileLock;"
    held = run(script + "lock = FileLock(Path(sys.argv[1])); print('held')", tmp_path / PATH)
    assert held.stdout == "held\n"
    FileLock(tmp_path / PATH).release()


async def test_others_may_read_beside_the_writer_and_after_it(store: Store) -> None:
    task = await add(store, "k")
    reader = await Store.read_only(store.database.path)
    assert await reader.queue.task(task.id) == task
    second = await add(store, "k2")
    assert await reader.queue.task(second.id) == second
    with pytest.raises(StoreUnusable, match="reading only"):
        await reader.queue.cancel(task.id, "U1", NOW)
    await reader.close()
    await store.close()
    reader = await Store.read_only(store.database.path)
    assert await reader.queue.task(second.id) == second
    await reader.close()
