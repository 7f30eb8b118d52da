"""A file full of tasks that ended long ago, made fast."""

import sqlite3

MANY = 100_000

_TASKS = """
INSERT INTO task (
    state, request_key, source, requester, words, priority, tier, model, reason, cap_micro_usd, channel,
    quote_thread, depth, attempt, rank, created_at, updated_at
)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :tasks)
SELECT
    'queued', 'old' || n, 'cli', 'U1', 'some words of a task', 1 + n % 10,
    CASE WHEN n % 10 < 4 THEN 'opus' WHEN n % 10 < 7 THEN 'sonnet' ELSE 'haiku' END,
    'model', 'because', 1000000, 'C1', 0, 0, 1, 1 + n % 10, n, n
FROM number
"""
_ENDED = """
UPDATE task SET state = iif(id % 20 = 0, 'cancelled', 'parked'), finished_at = id, updated_at = id
WHERE request_key LIKE 'old%' AND id % 1000 != 0
"""
_HELD = """
UPDATE task SET state = 'held', hold = 'retry', run_at = 9000000 + id
WHERE request_key LIKE 'old%' AND state = 'queued'
"""
_ATTEMPTS = "INSERT INTO attempt (task_id, number, model, started_at) SELECT id, 1, model, id FROM task"
_LEDGER = """
INSERT INTO ledger (task_id, attempt, tier, model, opened_at) SELECT id, 1, tier, model, id FROM task
"""
_BOOKED = "UPDATE ledger SET cost_micro_usd = 5, price_version = 'v1', booked_at = id"
_DELIVERIES = """
INSERT INTO delivery (key, kind, task_id, state, sent_revision, created_at, due_at)
SELECT 'card:' || id, 'card', id, 'sent', 1, id, id FROM task
"""
_TRANSCRIPTS = """
INSERT INTO transcript (task_id, attempt, number, at, who, kind, text)
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3)
SELECT task.id, 1, n, task.id, 'model', 'said', 'some words of a model' FROM task, number
"""
_LINE = """
INSERT INTO task (
    state, request_key, source, requester, words, priority, tier, model, reason, cap_micro_usd, channel,
    quote_thread, depth, rank, turn, created_at, updated_at
)
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :tasks)
SELECT
    'queued', 'line' || n, 'cli', 'ULINE' || (n % 1000), 'some words of a task', 3 + n % 2, 'opus', 'model',
    'because', 1000000, 'C' || (n % 7), 0, 0, 3 + n % 2, n / 1000, n, n
FROM number WHERE n < :tasks
"""
_DAY = """
INSERT INTO task (
    state, request_key, source, requester, words, priority, tier, model, reason, cap_micro_usd, channel,
    quote_thread, depth, attempt, rank, created_at, updated_at
)
WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < :tasks)
SELECT
    'queued', 'day' || n, 'cli', 'U' || (n % 50), 'some words of a task', 5,
    CASE n % 10 WHEN 0 THEN 'opus' WHEN 1 THEN 'haiku' ELSE 'sonnet' END, 'model', 'because', 1000000,
    'C' || (n % 7), 0, 0, 1, 5, :since, :since
FROM number WHERE n < :tasks
"""
_DAYS_ATTEMPTS = """
INSERT INTO attempt (task_id, number, model, started_at)
SELECT id, 1, model, created_at FROM task WHERE request_key LIKE 'day%'
"""
_DAYS_LEDGER = """
INSERT INTO ledger (task_id, attempt, tier, model, opened_at)
SELECT id, 1, tier, model, created_at FROM task WHERE request_key LIKE 'day%'
"""
_DAYS_BOOKED = """
UPDATE ledger SET
    cost_micro_usd = 5, price_version = 'v1', booked_at = :since + (:until - :since) / :tasks * (id % :tasks)
"""
_DAYS_END = """
UPDATE task SET state = 'cancelled', finished_at = :until WHERE request_key LIKE 'day%'
"""


def fill_line(raw: sqlite3.Connection, tasks: int) -> None:
    """Adds so many queued tasks for Opus, of a thousand requesters in seven channels."""
    raw.execute(_LINE, {"tasks": tasks})


def fill_day(raw: sqlite3.Connection, tasks: int, since: object, until: object) -> None:
    """Adds so many tasks that ended, each with one request booked in [since, until), of fifty requesters."""
    values = {"tasks": tasks, "since": since, "until": until}
    raw.execute("BEGIN IMMEDIATE")
    for statement in (_DAY, _DAYS_ATTEMPTS, _DAYS_LEDGER, _DAYS_BOOKED, _DAYS_END):
        raw.execute(statement, values)
    raw.execute("COMMIT")


def fill(raw: sqlite3.Connection, tasks: int) -> None:
    """Adds so many tasks: cancelled, parked, and one in a thousand held for long; each booked and told."""
    raw.execute("BEGIN IMMEDIATE")
    raw.execute(_TASKS, {"tasks": tasks})
    for statement in (_ENDED, _HELD, _ATTEMPTS, _LEDGER, _BOOKED, _DELIVERIES, _TRANSCRIPTS):
        raw.execute(statement)
    raw.execute("COMMIT")
