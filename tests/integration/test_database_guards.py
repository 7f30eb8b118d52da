"""What the database itself refuses, whoever asks."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from dispatch.policy import Seating
from dispatch.routing import DEFAULT_TABLE, route
from dispatch.states import MOVES, TERMINAL, State
from dispatch.store import Store
from dispatch.task import NewTask, Source, Tier
from dispatch.transcript import MODEL, Entry, Kind
from dispatch.usage import Price, Usage
from tests.contracts.stores import LEASE, NOW


@pytest.fixture
async def raw(tmp_path: Path) -> AsyncIterator[sqlite3.Connection]:
    """A plain connection to a file with one queued task."""
    store = await Store.open(tmp_path / "onequeue.db")
    new = NewTask("k", Source.CLI, "U1", "x", 3)
    await store.queue.enqueue(new, route(3, None, None, DEFAULT_TABLE), NOW)
    claim = await store.queue.claim(Tier.OPUS, Seating(1), NOW + LEASE, NOW)
    assert claim is not None
    booking = await store.ledger.open(claim, "m", NOW)
    await store.ledger.book(
        booking, model="m", request_id="", usage=Usage(), price=Price(5, "v1"), estimated=False, now=NOW
    )
    await store.transcripts.append(1, 1, 1, [Entry(NOW, MODEL, Kind.SAID, "words")])
    await store.close()
    with closing(sqlite3.connect(tmp_path / "onequeue.db", isolation_level=None)) as connection:
        yield connection


def put_in(raw: sqlite3.Connection, state: State) -> None:
    """Brings the task to the state, with the columns that belong to it."""
    raw.execute(
        "UPDATE task SET state = ?, run_at = NULL, lease_until = ?, finished_at = ?",
        (state, 1 if state is State.RUNNING else None, 1 if state in TERMINAL else None),
    )


@pytest.mark.parametrize(("source", "target"), list(product(State, State)))
def test_only_known_moves_are_made(raw: sqlite3.Connection, source: State, target: State) -> None:
    raw.execute("CREATE TEMP TABLE kept AS SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
    triggers = raw.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        raw.execute(f"DROP TRIGGER {name}")
    put_in(raw, source)
    for (sql,) in raw.execute("SELECT sql FROM kept").fetchall():
        raw.execute(sql)
    legal = any(source in sources and target in targets for sources, targets in MOVES.values())
    if legal or source is target:
        put_in(raw, target)
    else:
        with pytest.raises(sqlite3.IntegrityError, match=r"no move leads there|a done task stays done"):
            put_in(raw, target)


def test_done_stays_done_even_if_a_move_were_added(raw: sqlite3.Connection) -> None:
    put_in(raw, State.DONE)
    raw.execute("INSERT INTO move VALUES ('retry', 'done', 'queued')")
    with pytest.raises(sqlite3.IntegrityError, match="a done task stays done"):
        put_in(raw, State.QUEUED)


def test_a_task_starts_queued(raw: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="starts queued"):
        raw.execute(
            "INSERT INTO task (state, request_key, source, requester, words, priority, tier, model, reason,"
            " cap_micro_usd, channel, quote_thread, depth, created_at, updated_at, finished_at)"
            " VALUES ('done', 'other', 'cli', 'U1', 'x', 3, 'opus', 'm', '', 1, '', 0, 0, 1, 1, 1)"
        )


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE ledger SET cost_micro_usd = 1", "never changes"),
        ("UPDATE ledger SET booked_at = NULL, cost_micro_usd = NULL, price_version = NULL", "never changes"),
        ("DELETE FROM ledger", "never deleted"),
        (
            "INSERT INTO ledger (task_id, attempt, tier, model, opened_at, booked_at, unpriced)"
            " VALUES (1, 1, 'opus', 'm', 1, 1, 'why')",
            "starts open",
        ),
        (
            "INSERT INTO ledger (task_id, attempt, tier, model, opened_at, unpriced)"
            " VALUES (1, 1, 'opus', 'm', 1, 'why')",
            "CHECK",
        ),
        ("UPDATE transcript SET text = ''", "only grows"),
        ("UPDATE task SET state = 'nowhere'", "no move"),
        ("UPDATE task SET priority = 11", "CHECK"),
        ("UPDATE task SET lease_until = NULL", "CHECK"),
        ("UPDATE task SET run_at = 1", "CHECK"),
    ],
)
def test_the_books_and_the_rows_hold(raw: sqlite3.Connection, statement: str, says: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=says):
        raw.execute(statement)


def test_a_free_and_an_unpriced_row_are_told_apart(raw: sqlite3.Connection) -> None:
    raw.execute("INSERT INTO ledger (task_id, attempt, tier, model, opened_at) VALUES (1, 1, 'opus', 'm', 1)")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        raw.execute("UPDATE ledger SET booked_at = 2 WHERE booked_at IS NULL")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        raw.execute(
            "UPDATE ledger SET booked_at = 2, cost_micro_usd = 0, price_version = 'v', unpriced = 'why'"
            " WHERE booked_at IS NULL"
        )
