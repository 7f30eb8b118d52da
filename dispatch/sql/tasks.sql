-- name: enqueue
INSERT INTO task (
    state, request_key, source, requester, words, priority, asked_model, asked_cap_micro_usd,
    tier, model, reason, cap_micro_usd, channel, thread, message, quote_thread, parent, depth,
    expires_at, rank, ages_at, script, again, project, files, likeness, created_at, updated_at
) VALUES (
    'queued', :request_key, :source, :requester, :words, :priority, :asked_model, :asked_cap_micro_usd,
    :tier, :model, :reason, :cap_micro_usd, :channel,
    coalesce(
        :thread,
        (SELECT mother.thread FROM task AS mother WHERE mother.id = :parent AND mother.channel = :channel)
    ),
    :message, :quote_thread, :parent, :depth,
    :expires_at, :priority, :ages_at, :script, :again, :project, :files, :likeness, :now, :now
)
RETURNING *;

-- name: take_turn
UPDATE task SET turn = max(
    coalesce((SELECT line.turn FROM line WHERE line.tier = task.tier AND line.rank = task.rank), 0),
    coalesce((
        SELECT max(queued.turn) + 1 FROM task AS queued
        WHERE queued.state = 'queued' AND queued.tier = task.tier AND queued.rank = task.rank
        AND queued.requester = task.requester AND queued.id != task.id
    ), 0),
    coalesce((
        SELECT max(seated.turn) + 1 FROM task AS seated
        WHERE seated.state = 'running' AND seated.requester = task.requester
        AND seated.tier = task.tier AND seated.rank = task.rank
    ), 0)
)
WHERE id = :task_id
RETURNING *;

-- name: advance_line
INSERT INTO line (tier, rank, turn) SELECT tier, rank, turn FROM task WHERE id = :task_id
ON CONFLICT (tier, rank) DO UPDATE SET turn = max(turn, excluded.turn);

-- name: take_retry_request
INSERT INTO retry_request (key, task_id, at) VALUES (:key, :task_id, :now)
ON CONFLICT (key) DO NOTHING
RETURNING key;

-- name: rejoin
UPDATE task SET
    rank = priority, ages_at = :ages_at, expires_at = NULL, losses = 0, suspicions = 0
WHERE id = :task_id;

-- name: ageing
SELECT id, rank FROM task
WHERE state = 'queued' AND ages_at IS NOT NULL AND ages_at <= :now
ORDER BY ages_at LIMIT :limit;

-- name: age
UPDATE task SET rank = :rank, ages_at = :ages_at WHERE id = :task_id;

-- name: waiting_of_person
SELECT count(*) AS tasks FROM task
WHERE finished_at IS NULL AND requester = :requester AND state IN ('queued', 'held');

-- name: waiting_from_source
SELECT count(*) AS tasks FROM task
WHERE finished_at IS NULL AND source = :source AND state IN ('queued', 'held');

-- name: expiring
SELECT * FROM task
WHERE finished_at IS NULL AND expires_at IS NOT NULL AND expires_at <= :now
AND +state != 'running'
ORDER BY expires_at LIMIT :limit;

-- name: short
SELECT * FROM task
WHERE state = 'held' AND hold = 'budget' AND (rank, turn, id) > (:rank, :turn, :after_id)
ORDER BY rank, turn, id LIMIT :limit;

-- name: restate
UPDATE task SET shortage = :shortage, run_at = :run_at
WHERE id = :task_id AND state = 'held' AND hold = 'budget';

-- name: seated
SELECT tier, count(*) AS tasks FROM task WHERE state = 'running' GROUP BY tier;

-- name: reroute
UPDATE task SET
    asked_model = :asked_model, tier = :tier, model = :model, reason = :reason,
    cap_micro_usd = :cap_micro_usd, asked_cap_micro_usd = :asked_cap_micro_usd, updated_at = :now
WHERE id = :task_id
RETURNING *;

-- name: suspect
UPDATE task SET suspicions = suspicions + 1 WHERE id = :task_id AND finished_at IS NULL;

-- name: waiting
SELECT
    task.tier,
    count(*) AS tasks,
    (
        SELECT max(started_at) FROM (
            SELECT attempt.started_at FROM task AS seated JOIN attempt
            ON attempt.task_id = seated.id AND attempt.number = seated.attempt
            WHERE seated.state = 'running' AND seated.tier = task.tier
        )
    ) AS last_start,
    (
        SELECT count(*) FROM task AS seated WHERE seated.state = 'running' AND seated.tier = task.tier
    ) AS running
FROM task WHERE task.state = 'queued'
GROUP BY task.tier;

-- name: first_in_line
SELECT * FROM task WHERE state = 'queued' AND tier = :tier ORDER BY rank, turn, id LIMIT 1;

-- name: task
SELECT * FROM task WHERE id = :task_id;

-- name: task_of_request
SELECT * FROM task WHERE request_key = :request_key;

-- name: move
UPDATE task SET
    state = :state, run_at = :run_at, hold = :hold, shortage = :shortage, finished_at = :finished_at,
    strikes = :strikes, losses = losses + :lost, cancel_asked = :cancel_asked,
    lease_until = NULL, limit_micro_usd = NULL, updated_at = :now,
    behind = iif(:state = 'held', behind, NULL), alike = iif(:state = 'held', alike, NULL), follows = NULL,
    adds_to = iif(:state = 'held', adds_to, NULL)
WHERE id = :task_id
RETURNING *;

-- name: ask_cancel
UPDATE task SET cancel_asked = 1, updated_at = :now WHERE id = :task_id RETURNING *;

-- name: remember
INSERT INTO history (task_id, at, move, actor, detail, state)
SELECT id, :now, :move, :actor, :detail, state FROM task WHERE id = :task_id;

-- name: remember_promoted
INSERT INTO history (task_id, at, move, actor, detail, state)
SELECT id, :now, :move, :actor, '', 'queued' FROM task
WHERE state = 'held' AND run_at IS NOT NULL AND run_at <= :now;

-- name: raise_promoted_cards
UPDATE delivery SET
    revision = revision + 1,
    due_at = iif(state = 'sent', :now, due_at),
    weight = message IS NOT NULL,
    state = iif(state = 'sent', 'due', state)
WHERE key IN (
    SELECT 'card:' || id FROM task WHERE state = 'held' AND run_at IS NOT NULL AND run_at <= :now
);

-- name: promote
UPDATE task SET state = 'queued', run_at = NULL, hold = NULL, shortage = NULL, alike = NULL, updated_at = :now
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
WHERE finished_at IS NOT NULL AND finished_at >= :since AND finished_at < :until AND taken_by IS NULL
ORDER BY finished_at, id;

-- name: last_ended
SELECT * FROM task WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT :limit;

-- name: expired
SELECT tier, count(*) AS tasks FROM task
WHERE finished_at IS NOT NULL AND finished_at >= :since AND finished_at < :until AND state = 'expired'
GROUP BY tier;

-- name: position
SELECT count(*) AS ahead FROM task INDEXED BY task_ready
WHERE state = 'queued' AND tier = :tier AND (rank, turn, id) < (
    SELECT rank, turn, id FROM task WHERE id = :task_id
);

-- name: children
SELECT count(*) AS children FROM task WHERE parent = :task_id AND source = 'follow-up';

-- name: counts
SELECT state, count(*) AS tasks FROM task WHERE finished_at IS NULL GROUP BY state;
