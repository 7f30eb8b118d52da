"""A file made by an older version is renewed when it is opened, and keeps every row."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.delivery import DeliveryKind, NewDelivery
from dispatch.store import Store
from dispatch.store.rows import bound
from dispatch.store.statements import migrations
from tests.contracts.stores import NOW

_TASK = """
INSERT INTO task (
    state, request_key, source, requester, words, priority, tier, model, reason, cap_micro_usd, channel,
    quote_thread, depth, created_at, updated_at
) VALUES ('queued', :key, 'slash', 'U1', 'words', 3, 'opus', 'm', 'because', 1, 'C1', 0, 0, 1, 1)
"""
_ENDED = "UPDATE task SET state = 'cancelled', finished_at = 5 WHERE id = 3"
_DELIVERY = """
INSERT INTO delivery (
    key, kind, task_id, attempt, channel, thread, person, body, state, revision, sent_revision, message,
    parts_sent, tries, in_doubt, error, created_at, due_at
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
DELIVERIES = [
    ("card:1", "card", 1, None, None, None, None, "", "due", 1, 0, None, 0, 2, 1, "no answer", 11, 12),
    ("card:2", "card", 2, None, None, None, None, "", "due", 3, 2, "m2", 0, 0, 0, None, 21, 22),
    ("card:3", "card", 3, None, None, None, None, "", "sent", 2, 2, "m3", 0, 0, 0, None, 31, 32),
    ("answer:3:1", "answer", 3, 1, None, None, None, "", "sending", 1, 0, "m4", 2, 1, 1, None, 41, 42),
    ("w:1", "whisper", None, None, "C2", "17.1", "U2", "psst", "refused", 1, 0, None, 0, 9, 0, "no", 51, 52),
    ("d:1", "digest", None, None, "C3", None, None, "2026-11-22", "sent", 1, 1, "m6", 0, 0, 0, None, 61, 62),
]
COLUMNS = (
    *("key", "kind", "task_id", "attempt", "channel", "thread", "person", "body", "state", "revision"),
    *("sent_revision", "message", "parts_sent", "tries", "in_doubt", "error", "created_at", "due_at"),
)
_ATTEMPT = "INSERT INTO attempt (task_id, number, model, started_at) VALUES (1, 1, 'm', 1)"
_REQUEST = "INSERT INTO ledger (task_id, attempt, tier, model, opened_at) VALUES (1, 1, 'opus', 'm', 1)"
_BOOKED = "UPDATE ledger SET cost_micro_usd = 5, price_version = 'v', booked_at = :at WHERE booked_at IS NULL"


def first_version(path: Path) -> None:
    """A file as the first version left it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.executescript(f"BEGIN;\n{migrations()[0]}\nPRAGMA user_version = 1;\nCOMMIT;")
        for number in (1, 2, 3):
            raw.execute(_TASK, {"key": f"k{number}"})
        raw.execute(_ENDED)
        raw.executemany(_DELIVERY, DELIVERIES)


async def test_every_delivery_of_the_first_version_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    first_version(path)
    store = await Store.open(path)
    due = await store.outbox.due(NOW, 9)
    assert [(found.key, found.weight, found.in_doubt) for found in due] == [
        ("card:1", 0, True),
        ("answer:3:1", 0, True),
        ("card:2", 1, False),
    ], "what a dead process was sending is due, progress goes last"
    assert not await store.outbox.put(NewDelivery("d:1", DeliveryKind.DIGEST, "C3", ""), NOW)
    assert await store.outbox.put(NewDelivery("n:1", DeliveryKind.NOTICE, "C3", "words"), NOW)
    await store.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.row_factory = sqlite3.Row
        assert tuple(raw.execute("PRAGMA user_version").fetchone()) == (len(migrations()),)
        kept = raw.execute("SELECT * FROM delivery WHERE kind != 'notice' ORDER BY id").fetchall()
        indexes = {row["name"] for row in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [row["id"] for row in kept] == [1, 2, 3, 4, 5, 6]
    states = {"answer:3:1": "due"}
    for row, before in zip(kept, DELIVERIES, strict=True):
        expected = dict(zip(COLUMNS, before, strict=True))
        expected["state"] = states.get(row["key"], expected["state"])
        assert {name: row[name] for name in COLUMNS} == expected
    assert {"delivery_due", "delivery_sending", "delivery_unsent"} <= indexes


async def test_what_was_spent_before_counts_towards_budgets_still(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    first_version(path)
    since = NOW - timedelta(hours=3)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute(_ATTEMPT)
        for at in (since - timedelta(seconds=1), since, NOW):
            raw.execute(_REQUEST)
            raw.execute(_BOOKED, {"at": bound(at)})
    store = await Store.open(path)
    day = await store.ledger.standing(since, NOW + timedelta(hours=3))
    assert day.spent == {"all": 10, "tier:opus": 10, "channel:C1": 10, "person:U1": 10}
    await store.close()


async def test_every_attempt_is_kept_with_what_it_cost(tmp_path: Path) -> None:
    path = tmp_path / "onequeue.db"
    first_version(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for number, verdict in ((1, "lost"), (2, "failed"), (3, None)):
            raw.execute(
                "INSERT INTO attempt (task_id, number, model, started_at, ended_at, verdict, text)"
                " VALUES (1, ?, 'm', ?, ?, ?, 'so far')",
                (number, 10 * number, 10 * number + 5 if verdict else None, verdict),
            )
            raw.execute(
                "INSERT INTO ledger (task_id, attempt, tier, model, opened_at) VALUES (1, ?, 'opus', 'm', 1)",
                (number,),
            )
        before = raw.execute("SELECT * FROM attempt ORDER BY number").fetchall()
    store = await Store.open(path)
    attempts = await store.queue.attempts(1)
    assert [attempt.verdict for attempt in attempts] == ["lost", "failed", None]
    await store.close()
    with closing(sqlite3.connect(path)) as raw:
        kept = raw.execute("SELECT * FROM attempt ORDER BY number").fetchall()
        assert [row[: len(before[0])] for row in kept] == before
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute("INSERT INTO attempt (task_id, number, model, started_at) VALUES (2, 1, 'm', 1)")
        raw.execute("UPDATE attempt SET verdict = 'asked', ended_at = 2 WHERE task_id = 2")
        with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            raw.execute("DELETE FROM attempt WHERE task_id = 1")
