"""What SQLite does for each statement that must stay fast: it searches an index, and sorts nothing."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from dispatch.store import Store
from dispatch.store.retention import BATCH
from dispatch.store.statements import statements
from tests.integration.history import MANY, fill


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A file with a long history."""
    path = tmp_path_factory.mktemp("full") / "onequeue.db"

    async def make() -> None:
        await (await Store.open(path)).close()

    asyncio.run(make())
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        fill(raw, MANY)
        yield raw


VALUES = {
    "tier": "opus",
    "seats": 2,
    "now": 1_000,
    "since": 1_000,
    "until": 2_000,
    "lease_until": 2_000,
    "limit": 10,
    "turn": 0,
    "after_id": 0,
    "task_id": 7,
    "attempt": 1,
    "priority": 3,
    "move": "release",
    "actor": "onequeue",
    "kept": 1,
    "urgent": 2,
    "per_requester": 4,
    "avoid": 0,
    "requester": "U1",
    "source": "cli",
    "ages_at": 3_000,
    "rank": 2,
    "before": 10_000_000,
    "after": 1,
    "likeness": "0123456789abcdef0123456789abcdef",
    "dispatcher": "onequeue",
    "liked": 1,
    "person": "U1",
    "channel": "C1",
    "newest": 5_000,
    "thread": "17.1",
    "task_ids": json.dumps(list(range(1, BATCH + 1))),
}


def plan(raw: sqlite3.Connection, name: str) -> list[str]:
    """The steps of the plan, in words."""
    return [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statements()[name]}", VALUES)]


@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("claim", "task_ready"),
        ("claim", "task_seated"),
        ("overdue", "task_leased"),
        ("running", "task_seated"),
        ("under_way", "task_seated"),
        ("promote", "task_delayed"),
        ("remember_promoted", "task_delayed"),
        ("raise_promoted_cards", "task_delayed"),
        ("ended_tasks", "task_ended"),
        ("last_ended", "task_ended"),
        ("expired", "task_ended"),
        ("position", "task_ready"),
        ("children", "task_parent"),
        ("in_thread", "task_thread"),
        ("open_before", "task_thread"),
        ("behind", "task_behind"),
        ("same_as", "task_same"),
        ("followers", "task_follows"),
        ("undecided", "task_undecided"),
        ("counts", "task_open"),
        ("open_tasks", "task_open"),
        ("beginning", "delivery_unsent"),
        ("due", "delivery_due"),
        ("due", "delivery_unsent"),
        ("next_due", "delivery_due"),
        ("next_due", "delivery_unsent"),
        ("stop_sending", "delivery_sending"),
        ("spent", "ledger_attempt"),
        ("attempts", "ledger_attempt"),
        ("self_costed", "attempt_said"),
        ("self_costed", "ledger_attempt"),
        ("open_bookings", "ledger_open"),
        ("claim", "task_seated_by"),
        ("first_in_line", "task_ready"),
        ("take_turn", "task_turn"),
        ("take_turn", "task_seated_by"),
        ("ageing", "task_ageing"),
        ("expiring", "task_expiring"),
        ("short", "task_short"),
        ("waiting_of_person", "task_open_by"),
        ("waiting_from_source", "task_open_from"),
        ("reserved", "task_leased"),
        ("spent_since", "ledger_booked"),
        ("spent_since", "SEARCH spent_by_hour USING PRIMARY KEY (hour>?)"),
        ("raise_waiting_cards", "task_ready"),
        ("bookings", "ledger_booked"),
        ("spending", "ledger_booked"),
        ("booked_tasks", "ledger_booked"),
        ("booked_attempts", "ledger_booked"),
        ("booked_attempts", "sqlite_autoindex_attempt_1"),
        ("first_starts", "attempt_started"),
        ("first_starts", "history_task"),
        ("thumbs", "feedback_given"),
        ("spent_between", "SEARCH spent_by_hour USING PRIMARY KEY (hour>? AND hour<?)"),
        ("spent_between", "ledger_booked"),
        ("unpriced_between", "ledger_booked"),
        ("spending_of_channel", "ledger_booked"),
        ("open_in_channel", "task_open"),
        ("newest_billed", "ledger_booked"),
        ("bill", "SEARCH task USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        ("bill", "ledger_attempt"),
        ("attempts", "sqlite_autoindex_transcript_1"),
        ("entries", "SEARCH transcript USING INDEX sqlite_autoindex_transcript_1 (task_id=? AND attempt=?"),
        ("line_of", "task_ready"),
        ("queued_in", "task_ready"),
        ("seats_taken", "task_seated"),
        ("answered_of_tier", "task_answered"),
        ("answered_alike", "task_alike"),
        ("spent_by_all", "ledger_booked"),
        ("steers", "history_task"),
        ("forgettable", "task_remembered"),
        ("forgettable", "delivery_unsent"),
        ("forget_transcripts", "sqlite_autoindex_transcript_1"),
        ("forget_attempts", "sqlite_autoindex_attempt_1"),
        ("forget_history", "history_task"),
        ("forget_deliveries", "delivery_over"),
        ("forget_told", "delivery_told"),
    ],
)
def test_the_index_made_for_it_is_used(
    full: sqlite3.Connection, name: str, index: str, analysed: bool
) -> None:
    full.execute("BEGIN")
    if analysed:
        full.execute("ANALYZE")
    steps = plan(full, name)
    full.execute("ROLLBACK")
    assert any(index in step for step in steps), steps
    scans = {f"SCAN {table}" for table in ("task", "ledger", "delivery", "attempt", "transcript")}
    assert not scans & set(steps)


@pytest.mark.parametrize(
    "name",
    [
        "claim",
        "first_in_line",
        "short",
        "ageing",
        "expiring",
        "due",
        "next_due",
        "ended_tasks",
        "last_ended",
        "bookings",
        "attempts",
        "entries",
        "forgettable",
        "line_of",
        "answered_of_tier",
        "answered_alike",
        "steers",
        "bill",
    ],
)
def test_nothing_is_sorted(full: sqlite3.Connection, name: str) -> None:
    assert not [step for step in plan(full, name) if "TEMP B-TREE" in step]


def test_a_claim_searches_by_tier_and_takes_the_first(full: sqlite3.Connection) -> None:
    steps = plan(full, "claim")
    assert any("SEARCH task USING" in step and "task_ready (tier=?)" in step for step in steps), steps
    assert not [step for step in steps if "SCAN task" in step and "task_seated_by" not in step]


def reads(raw: sqlite3.Connection, name: str) -> int:
    """How many hundred steps of SQLite's machine the statement takes, undone afterwards."""
    raw.execute("BEGIN")
    count = reads_inside(raw, name, VALUES)
    raw.execute("ROLLBACK")
    return count


def reads_inside(raw: sqlite3.Connection, name: str, values: Mapping[str, object]) -> int:
    """The same, within the transaction that is open."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    raw.set_progress_handler(step, 100)
    raw.execute(statements()[name], values).fetchall()
    raw.set_progress_handler(None, 0)
    return count


PUT_OFF = 10_000
_BACKLOG = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :many)
INSERT INTO delivery (key, kind, channel, weight, created_at, due_at)
SELECT 'later' || n, 'notice', 'C1', n % 2, 1, 5000 + n FROM number
"""


@pytest.mark.parametrize("name", ["due", "next_due"])
def test_what_is_put_off_costs_nothing_until_its_time(full: sqlite3.Connection, name: str) -> None:
    full.execute("BEGIN")
    full.execute(_BACKLOG, {"many": PUT_OFF})
    try:
        assert reads_inside(full, name, VALUES) < 40
        assert not [step for step in plan(full, name) if "TEMP B-TREE" in step]
    finally:
        full.execute("ROLLBACK")


def test_due_searches_by_weight_and_time(full: sqlite3.Connection) -> None:
    assert any("delivery_due (weight=? AND due_at<?)" in step for step in plan(full, "due"))


@pytest.mark.parametrize(
    "name",
    ["claim", "promote", "overdue", "due", "next_due", "open_tasks", "open_bookings", "short", "entries"],
)
def test_a_long_history_costs_nothing(full: sqlite3.Connection, name: str) -> None:
    assert full.execute("SELECT count(*) FROM task").fetchone()[0] >= MANY
    assert reads(full, name) < 40


FORGETTING = [
    "forgettable",
    "forget_transcripts",
    "forget_attempts",
    "forget_history",
    "forget_deliveries",
    "forget_tasks",
]


def test_one_batch_of_forgetting_costs_the_batch_whatever_the_history(full: sqlite3.Connection) -> None:
    assert sum(reads(full, name) for name in [*FORGETTING, "forget_told"]) < 3 * BATCH


@pytest.mark.parametrize("name", FORGETTING)
def test_a_batch_of_nothing_costs_next_to_nothing(full: sqlite3.Connection, name: str) -> None:
    full.execute("BEGIN")
    full.execute("UPDATE task SET words = '', forgotten_at = 1 WHERE finished_at IS NOT NULL")
    step_count = reads_inside(full, name, VALUES | {"task_ids": "[]"})
    full.execute("ROLLBACK")
    assert step_count < 5


MONTH = 720 * 3_600_000_000


def test_a_month_of_a_hundred_thousand_requests_is_summed_by_the_hour(full: sqlite3.Connection) -> None:
    month = VALUES | {"since": 0, "until": MONTH}
    one_by_one = reads_inside(full, "spending", month)
    assert one_by_one > 10_000
    assert reads_inside(full, "spent_between", month) < one_by_one / 1_000


def test_a_page_of_a_bill_costs_the_page_whatever_the_month(full: sqlite3.Connection) -> None:
    page = VALUES | {"since": 0, "until": MONTH, "after": 90_000, "newest": MANY}
    assert reads_inside(full, "bill", page) < 40
