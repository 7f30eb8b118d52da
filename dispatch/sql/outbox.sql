-- name: put
INSERT INTO delivery (key, kind, channel, thread, person, body, created_at, due_at)
VALUES (:key, :kind, :channel, :thread, :person, :body, :now, :now)
ON CONFLICT (key) DO NOTHING
RETURNING id;

-- name: put_for_task
INSERT INTO delivery (key, kind, task_id, attempt, body, created_at, due_at)
VALUES (:key, :kind, :task_id, :attempt, :body, :now, :now)
ON CONFLICT (key) DO NOTHING;

-- name: raise_card
-- A card that Slack refused is tried again at the next move, not at each word of progress.
UPDATE delivery SET
    revision = revision + 1,
    due_at = CASE
        WHEN delivery.state = 'sent' OR (delivery.state = 'refused' AND task.state != 'running') THEN :now
        WHEN delivery.weight AND task.finished_at IS NOT NULL THEN min(due_at, :now)
        ELSE due_at
    END,
    weight = delivery.message IS NOT NULL AND task.finished_at IS NULL,
    state = CASE
        WHEN delivery.state = 'sent' OR (delivery.state = 'refused' AND task.state != 'running') THEN 'due'
        ELSE delivery.state
    END
FROM task
WHERE key = 'card:' || :task_id AND task.id = :task_id;

-- name: due
SELECT
    delivery.id, delivery.key, delivery.kind, delivery.task_id, delivery.attempt, delivery.person,
    coalesce(task.channel, delivery.channel) AS channel,
    iif(task.id IS NULL OR delivery.kind = 'whisper', delivery.thread, task.thread) AS thread,
    iif(delivery.kind = 'answer' AND delivery.attempt IS NOT NULL, attempt.text, delivery.body) AS body,
    delivery.weight, delivery.message, delivery.revision, delivery.parts_sent, delivery.tries,
    delivery.in_doubt, delivery.due_at
FROM delivery
LEFT JOIN task ON task.id = delivery.task_id
LEFT JOIN attempt ON attempt.task_id = delivery.task_id AND attempt.number = delivery.attempt
WHERE delivery.state = 'due' AND delivery.weight IN (0, 1) AND delivery.due_at <= :now
AND NOT EXISTS (
    SELECT 1 FROM delivery AS earlier
    WHERE earlier.state IN ('due', 'sending')
    AND earlier.task_id = delivery.task_id AND earlier.id < delivery.id
)
AND NOT EXISTS (
    SELECT 1 FROM task AS child
    JOIN delivery AS parents ON parents.key = 'card:' || child.parent
    WHERE child.id = delivery.task_id AND parents.state IN ('due', 'sending') AND parents.message IS NULL
)
ORDER BY delivery.weight, delivery.due_at, delivery.id
LIMIT :limit;

-- name: next_due
SELECT min(due_at) AS due_at FROM (
    SELECT * FROM (
        SELECT due_at FROM delivery
        WHERE state = 'due' AND weight = 0
        AND NOT EXISTS (
            SELECT 1 FROM delivery AS earlier
            WHERE earlier.state IN ('due', 'sending')
            AND earlier.task_id = delivery.task_id AND earlier.id < delivery.id
        )
        AND NOT EXISTS (
            SELECT 1 FROM task AS child
            JOIN delivery AS parents ON parents.key = 'card:' || child.parent
            WHERE child.id = delivery.task_id AND parents.state IN ('due', 'sending') AND parents.message IS NULL
        )
        ORDER BY due_at, id
        LIMIT 1
    )
    UNION ALL
    SELECT * FROM (
        SELECT due_at FROM delivery
        WHERE state = 'due' AND weight = 1
        AND NOT EXISTS (
            SELECT 1 FROM delivery AS earlier
            WHERE earlier.state IN ('due', 'sending')
            AND earlier.task_id = delivery.task_id AND earlier.id < delivery.id
        )
        AND NOT EXISTS (
            SELECT 1 FROM task AS child
            JOIN delivery AS parents ON parents.key = 'card:' || child.parent
            WHERE child.id = delivery.task_id AND parents.state IN ('due', 'sending') AND parents.message IS NULL
        )
        ORDER BY due_at, id
        LIMIT 1
    )
);

-- name: wait
UPDATE delivery SET due_at = :due_at WHERE id = :delivery_id AND state = 'due';

-- name: sending
UPDATE delivery SET state = 'sending', in_doubt = 1 WHERE id = :delivery_id AND state IN ('due', 'sending');

-- name: beginning
SELECT delivery.id FROM delivery INDEXED BY delivery_unsent JOIN task ON task.id = delivery.task_id
WHERE delivery.state IN ('due', 'sending') AND delivery.kind = 'card' AND delivery.in_doubt
AND delivery.message IS NULL AND task.channel = :channel
LIMIT 1;

-- name: part_sent
UPDATE delivery SET parts_sent = parts_sent + 1, message = coalesce(message, :message), in_doubt = 0
WHERE id = :delivery_id;

-- name: sent
UPDATE delivery SET
    state = iif(revision > :revision, 'due', 'sent'), sent_revision = :revision,
    weight = kind = 'card' AND (SELECT finished_at IS NULL FROM task WHERE task.id = task_id),
    message = coalesce(:message, message), tries = 0, in_doubt = 0, error = NULL, due_at = :now
WHERE id = :delivery_id
RETURNING kind, task_id, message;

-- name: start_thread
UPDATE task SET thread = :message WHERE id = :task_id AND thread IS NULL;

-- name: share_thread
UPDATE task SET thread = (SELECT mother.thread FROM task AS mother WHERE mother.id = :task_id)
WHERE parent = :task_id AND thread IS NULL
AND channel = (SELECT mother.channel FROM task AS mother WHERE mother.id = :task_id);

-- name: put_off
UPDATE delivery SET
    state = 'due', due_at = :due_at, error = :error, in_doubt = :in_doubt, tries = tries + :failed
WHERE id = :delivery_id;

-- name: refused
UPDATE delivery SET state = 'refused', error = :error, in_doubt = 0, due_at = :now WHERE id = :delivery_id;

-- name: move_task
UPDATE task SET channel = :channel, thread = NULL, updated_at = :now WHERE id = :task_id RETURNING id;

-- name: move_deliveries
UPDATE delivery SET
    state = 'due', weight = 0, sent_revision = 0, message = NULL, parts_sent = 0, tries = 0, in_doubt = 0,
    error = NULL, due_at = :now
WHERE task_id = :task_id AND (state IN ('due', 'sending') OR key = 'card:' || :task_id);

-- name: stop_sending
UPDATE delivery SET state = 'due' WHERE state = 'sending';
