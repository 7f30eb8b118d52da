-- More is told: that a task ended untried, and to channels what belongs to no task. What is due goes by `weight` first:
-- 0 for whatever a person waits for, 1 for edits of cards that only show progress or place.
CREATE TABLE delivery_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (
        kind IN (
            'card', 'answer', 'restart', 'ended', 'whisper', 'reply', 'digest', 'notice', 'budget'
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
    delivery.id, key, kind, task_id, delivery.attempt, delivery.channel, delivery.thread, person, body,
    delivery.state, kind = 'card' AND delivery.message IS NOT NULL AND task.finished_at IS NULL, revision,
    sent_revision, delivery.message, parts_sent, tries, in_doubt, error, delivery.created_at, due_at
FROM delivery
LEFT JOIN task ON task.id = delivery.task_id;

DROP TABLE delivery;
ALTER TABLE delivery_new RENAME TO delivery;

CREATE INDEX delivery_due ON delivery (weight, due_at, id) WHERE state = 'due';
CREATE INDEX delivery_sending ON delivery (id) WHERE state = 'sending';
CREATE INDEX delivery_unsent ON delivery (task_id, id) WHERE state IN ('due', 'sending');
