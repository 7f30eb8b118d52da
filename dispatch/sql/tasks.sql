-- name: enqueue
INSERT INTO task (
    state, request_key, source, requester, words, priority, asked_model, asked_cap_micro_usd,
    tier, model, reason, cap_micro_usd, channel, thread, message, quote_thread, parent, depth,
    created_at, updated_at
) VALUES (
    'queued', :request_key, :source, :requester, :words, :priority, :asked_model, :asked_cap_micro_usd,
    :tier, :model, :reason, :cap_micro_usd, :channel, :thread, :message, :quote_thread, :parent, :depth,
    :now, :now
)
RETURNING *;

-- name: task
SELECT * FROM task WHERE id = :task_id;

-- name: task_of_request
SELECT * FROM task WHERE request_key = :request_key;

-- name: move
UPDATE task SET
    state = :state, run_at = :run_at, finished_at = :finished_at, strikes = :strikes,
    cancel_asked = :cancel_asked, lease_until = NULL, updated_at = :now
WHERE id = :task_id
RETURNING *;

-- name: ask_cancel
UPDATE task SET cancel_asked = 1, updated_at = :now WHERE id = :task_id RETURNING *;

-- name: remember
INSERT INTO history (task_id, at, move, actor, detail) VALUES (:task_id, :now, :move, :actor, :detail);

-- name: remember_promoted
INSERT INTO history (task_id, at, move, actor, detail)
SELECT id, :now, :move, :actor, '' FROM task
WHERE state = 'held' AND run_at IS NOT NULL AND run_at <= :now;

-- name: raise_promoted_cards
UPDATE delivery SET
    revision = revision + 1,
    due_at = iif(state = 'sent', :now, due_at),
    state = iif(state = 'sent', 'due', state)
WHERE key IN (
    SELECT 'card:' || id FROM task WHERE state = 'held' AND run_at IS NOT NULL AND run_at <= :now
);

-- name: promote
UPDATE task SET state = 'queued', run_at = NULL, updated_at = :now
WHERE state = 'held' AND run_at IS NOT NULL AND run_at <= :now
RETURNING id;

-- name: open_tasks
SELECT * FROM (
SELECT * FROM (SELECT * FROM task WHERE finished_at IS NULL AND state = 'running'
    ORDER BY priority, id LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT * FROM task WHERE finished_at IS NULL AND state = 'waiting'
    ORDER BY priority, id LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT * FROM task WHERE finished_at IS NULL AND state = 'held'
    ORDER BY priority, id LIMIT :limit)
UNION ALL
SELECT * FROM (SELECT * FROM task WHERE finished_at IS NULL AND state = 'queued'
    ORDER BY priority, id LIMIT :limit)
)
ORDER BY state != 'running', priority, id
LIMIT :limit;

-- name: ended_tasks
SELECT * FROM task
WHERE finished_at IS NOT NULL AND finished_at >= :since AND finished_at < :until
ORDER BY finished_at, id;

-- name: position
SELECT count(*) AS ahead FROM task
WHERE state = 'queued' AND tier = :tier AND (priority, id) < (:priority, :task_id);

-- name: children
SELECT count(*) AS children FROM task WHERE parent = :task_id;

-- name: counts
SELECT state, count(*) AS tasks FROM task WHERE finished_at IS NULL GROUP BY state;
