-- Times are microseconds since 1970 in UTC; money is micro-dollars.

CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (
        state IN ('queued', 'held', 'running', 'waiting', 'done', 'failed', 'cancelled', 'expired', 'parked')
    ),
    request_key TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    requester TEXT NOT NULL,
    words TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 10),
    asked_model TEXT,
    asked_cap_micro_usd INTEGER,
    tier TEXT NOT NULL,
    model TEXT NOT NULL,
    reason TEXT NOT NULL,
    cap_micro_usd INTEGER NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT,
    message TEXT,
    quote_thread INTEGER NOT NULL,
    parent INTEGER REFERENCES task (id),
    depth INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    strikes INTEGER NOT NULL DEFAULT 0,
    run_at INTEGER,
    lease_until INTEGER,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    finished_at INTEGER,
    cost_micro_usd INTEGER NOT NULL DEFAULT 0,
    unpriced INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('done', 'failed', 'cancelled', 'expired', 'parked')) = (finished_at IS NOT NULL)),
    CHECK (run_at IS NULL OR state = 'held')
) STRICT;

-- Only what can be claimed at once is in the ready index, so that a claim reads one row of it.
CREATE INDEX task_ready ON task (tier, priority, id) WHERE state = 'queued';
CREATE INDEX task_delayed ON task (run_at) WHERE state = 'held' AND run_at IS NOT NULL;
CREATE INDEX task_seated ON task (tier) WHERE state = 'running';
CREATE INDEX task_leased ON task (lease_until) WHERE state = 'running';
CREATE INDEX task_open ON task (state, priority, id) WHERE finished_at IS NULL;
CREATE INDEX task_ended ON task (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX task_parent ON task (parent) WHERE parent IS NOT NULL;

CREATE TABLE move (
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    PRIMARY KEY (source, target)
) STRICT;

INSERT INTO move (name, source, target) VALUES
    ('hold', 'queued', 'held'),
    ('hold', 'running', 'held'),
    ('release', 'held', 'queued'),
    ('release', 'waiting', 'queued'),
    ('claim', 'queued', 'running'),
    ('requeue', 'running', 'queued'),
    ('ask', 'running', 'waiting'),
    ('settle', 'running', 'done'),
    ('settle', 'running', 'failed'),
    ('cancel', 'queued', 'cancelled'),
    ('cancel', 'held', 'cancelled'),
    ('cancel', 'running', 'cancelled'),
    ('cancel', 'waiting', 'cancelled'),
    ('expire', 'queued', 'expired'),
    ('expire', 'held', 'expired'),
    ('expire', 'waiting', 'expired'),
    ('park', 'queued', 'parked'),
    ('park', 'held', 'parked'),
    ('park', 'running', 'parked'),
    ('retry', 'failed', 'queued'),
    ('retry', 'cancelled', 'queued'),
    ('retry', 'expired', 'queued'),
    ('retry', 'parked', 'queued');

CREATE TRIGGER task_starts_queued BEFORE INSERT ON task
WHEN new.state != 'queued'
BEGIN
    SELECT raise(ABORT, 'a task starts queued');
END;

CREATE TRIGGER task_moves BEFORE UPDATE OF state ON task
WHEN new.state != old.state
    AND NOT EXISTS (SELECT 1 FROM move WHERE source = old.state AND target = new.state)
BEGIN
    SELECT raise(ABORT, 'no move leads there from that state');
END;

CREATE TRIGGER task_done_stays_done BEFORE UPDATE OF state ON task
WHEN old.state = 'done' AND new.state != 'done'
BEGIN
    SELECT raise(ABORT, 'a done task stays done');
END;

CREATE TABLE attempt (
    task_id INTEGER NOT NULL REFERENCES task (id),
    number INTEGER NOT NULL,
    model TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    verdict TEXT CHECK (verdict IN ('answered', 'failed', 'cancelled', 'lost')),
    fault TEXT,
    fault_detail TEXT NOT NULL DEFAULT '',
    retry_after REAL,
    ran_model TEXT,
    text TEXT NOT NULL DEFAULT '',
    progress TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (task_id, number),
    CHECK ((ended_at IS NULL) = (verdict IS NULL))
) STRICT;

-- `cost_micro_usd` is null where the price is unknown; `unpriced` then says why.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    tier TEXT NOT NULL,
    model TEXT NOT NULL,
    request_id TEXT NOT NULL DEFAULT '',
    input_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_5m_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0,
    web_searches INTEGER NOT NULL DEFAULT 0,
    service_tier TEXT NOT NULL DEFAULT 'standard',
    speed TEXT NOT NULL DEFAULT 'standard',
    geo TEXT NOT NULL DEFAULT '',
    cost_micro_usd INTEGER CHECK (cost_micro_usd >= 0),
    price_version TEXT,
    unpriced TEXT,
    estimated INTEGER NOT NULL DEFAULT 0,
    opened_at INTEGER NOT NULL,
    booked_at INTEGER,
    FOREIGN KEY (task_id, attempt) REFERENCES attempt (task_id, number),
    CHECK ((cost_micro_usd IS NULL) = (price_version IS NULL)),
    CHECK ((booked_at IS NOT NULL) = ((cost_micro_usd IS NOT NULL) + (unpriced IS NOT NULL) = 1)),
    CHECK (booked_at IS NOT NULL OR (cost_micro_usd IS NULL AND unpriced IS NULL))
) STRICT;

CREATE INDEX ledger_attempt ON ledger (task_id, attempt);
CREATE INDEX ledger_open ON ledger (id) WHERE booked_at IS NULL;
CREATE INDEX ledger_booked ON ledger (booked_at) WHERE booked_at IS NOT NULL;

CREATE TRIGGER ledger_starts_open BEFORE INSERT ON ledger
WHEN new.booked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a ledger row starts open');
END;

CREATE TRIGGER ledger_booked_stays BEFORE UPDATE ON ledger
WHEN old.booked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a booked ledger row never changes');
END;

CREATE TRIGGER ledger_booked_is_kept BEFORE DELETE ON ledger
WHEN old.booked_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'a booked ledger row is never deleted');
END;

CREATE TRIGGER ledger_totals AFTER UPDATE OF booked_at ON ledger
WHEN new.booked_at IS NOT NULL
BEGIN
    UPDATE task SET
        cost_micro_usd = cost_micro_usd + coalesce(new.cost_micro_usd, 0),
        unpriced = unpriced + (new.cost_micro_usd IS NULL)
    WHERE id = new.task_id;
END;

-- `revision` is the one wanted, `sent_revision` the one people see. What belongs to a task goes where
-- the task is, so only the others name a channel.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('card', 'answer', 'restart', 'whisper', 'reply', 'digest')),
    task_id INTEGER REFERENCES task (id),
    attempt INTEGER,
    channel TEXT,
    thread TEXT,
    person TEXT,
    body TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sending', 'sent', 'refused')),
    revision INTEGER NOT NULL DEFAULT 1,
    sent_revision INTEGER NOT NULL DEFAULT 0,
    message TEXT,
    parts_sent INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    in_doubt INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    CHECK ((task_id IS NULL) = (channel IS NOT NULL))
) STRICT;

CREATE INDEX delivery_due ON delivery (due_at, id) WHERE state = 'due';
CREATE INDEX delivery_sending ON delivery (id) WHERE state = 'sending';
CREATE INDEX delivery_unsent ON delivery (task_id, id) WHERE state IN ('due', 'sending');

CREATE TABLE digest (
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (channel, day)
) STRICT;

CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES task (id),
    at INTEGER NOT NULL,
    move TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX history_task ON history (task_id);
