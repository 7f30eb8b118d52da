-- A session asks people. `conversation` is what its runner goes on from once the question is over; `key` is the
-- request that brought the answer, so that the same one again changes nothing.
CREATE TABLE question (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES task (id),
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('question', 'approval', 'upgrade')),
    text TEXT NOT NULL,
    reason TEXT NOT NULL,
    options TEXT NOT NULL,
    route TEXT,
    asked_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    ending TEXT CHECK (ending IN ('answered', 'overdue', 'stale')),
    answer TEXT,
    person TEXT,
    key TEXT UNIQUE,
    ended_at INTEGER,
    told INTEGER NOT NULL DEFAULT 0,
    conversation BLOB,
    CHECK ((ending IS NULL) = (ended_at IS NULL)),
    CHECK ((ending IS 'answered') = (answer IS NOT NULL))
) STRICT;

CREATE INDEX question_task ON question (task_id, id);
CREATE UNIQUE INDEX question_open ON question (task_id) WHERE ending IS NULL;
CREATE INDEX question_due ON question (deadline) WHERE ending IS NULL;

-- An attempt may end as asked. The rows are put back under the foreign key that the ledger has on them.
PRAGMA defer_foreign_keys = ON;

CREATE TEMP TABLE kept AS SELECT * FROM attempt;
DROP TABLE attempt;
CREATE TABLE attempt (
    task_id INTEGER NOT NULL REFERENCES task (id),
    number INTEGER NOT NULL,
    model TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    verdict TEXT CHECK (verdict IN ('answered', 'asked', 'failed', 'cancelled', 'lost')),
    fault TEXT,
    fault_detail TEXT NOT NULL DEFAULT '',
    retry_after REAL,
    ran_model TEXT,
    text TEXT NOT NULL DEFAULT '',
    progress TEXT NOT NULL DEFAULT '',
    branch TEXT,
    diffstat TEXT NOT NULL DEFAULT '',
    said_micro_usd INTEGER CHECK (said_micro_usd >= 0),
    PRIMARY KEY (task_id, number),
    CHECK ((ended_at IS NULL) = (verdict IS NULL))
) STRICT;

INSERT INTO attempt (
    task_id, number, model, started_at, ended_at, verdict, fault, fault_detail, retry_after, ran_model, text,
    progress, branch, diffstat, said_micro_usd
)
SELECT
    task_id, number, model, started_at, ended_at, verdict, fault, fault_detail, retry_after, ran_model, text,
    progress, branch, diffstat, said_micro_usd
FROM kept;
DROP TABLE kept;

CREATE INDEX attempt_started ON attempt (started_at);

-- A question is told in the thread, and edited in place once it is over.
CREATE TABLE delivery_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (
        kind IN (
            'card', 'answer', 'restart', 'ended', 'whisper', 'reply', 'digest', 'notice', 'budget', 'question'
        )
    ),
    task_id INTEGER REFERENCES task (id),
    attempt INTEGER,
    channel TEXT,
    thread TEXT,
    person TEXT,
    body TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'sending', 'sent', 'refused')),
    weight INTEGER NOT NULL DEFAULT 0 CHECK (weight IN (0, 1)),
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

INSERT INTO delivery_new (
    id, key, kind, task_id, attempt, channel, thread, person, body, state, weight, revision, sent_revision,
    message, parts_sent, tries, in_doubt, error, created_at, due_at
)
SELECT
    id, key, kind, task_id, attempt, channel, thread, person, body, state, weight, revision, sent_revision,
    message, parts_sent, tries, in_doubt, error, created_at, due_at
FROM delivery;

DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;

CREATE INDEX delivery_due ON delivery (weight, due_at, id) WHERE state = 'due';
CREATE INDEX delivery_sending ON delivery (id) WHERE state = 'sending';
CREATE INDEX delivery_unsent ON delivery (task_id, id) WHERE state IN ('due', 'sending');
CREATE INDEX delivery_over ON delivery (task_id) WHERE task_id IS NOT NULL AND state IN ('sent', 'refused');
CREATE INDEX delivery_told ON delivery (created_at) WHERE task_id IS NULL AND state IN ('sent', 'refused');
