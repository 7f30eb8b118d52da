-- name: line_of
SELECT
    id, priority, requester,
    EXISTS (
        SELECT 1 FROM delivery
        WHERE key = 'card:' || task.id AND delivery.state = 'sent' AND delivery.message IS NOT NULL
    ) AS carded
FROM task INDEXED BY task_ready
WHERE state = 'queued' AND tier = :tier
ORDER BY rank, turn, id LIMIT :limit;

-- name: queued_in
SELECT count(*) AS tasks FROM task INDEXED BY task_ready WHERE state = 'queued' AND tier = :tier;

-- name: another_queued
SELECT id FROM task INDEXED BY task_ready WHERE state = 'queued' AND tier = :tier AND id != :avoid LIMIT 1;

-- name: seats_taken
SELECT task.id, task.tier, task.requester, attempt.started_at
FROM task INDEXED BY task_seated JOIN attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
WHERE task.state = 'running'
ORDER BY task.id;

-- name: answered_of_tier
SELECT
    iif(task.unpriced, NULL, task.cost_micro_usd) AS cost_micro_usd,
    (
        SELECT coalesce(sum(attempt.ended_at - attempt.started_at), 0) FROM attempt
        WHERE attempt.task_id = task.id AND attempt.ended_at IS NOT NULL
    ) AS took
FROM task INDEXED BY task_answered
WHERE task.state = 'done' AND task.tier = :tier AND task.finished_at >= :since
ORDER BY task.finished_at DESC LIMIT :limit;

-- name: answered_alike
SELECT
    iif(task.unpriced, NULL, task.cost_micro_usd) AS cost_micro_usd,
    (
        SELECT coalesce(sum(attempt.ended_at - attempt.started_at), 0) FROM attempt
        WHERE attempt.task_id = task.id AND attempt.ended_at IS NOT NULL
    ) AS took
FROM task INDEXED BY task_alike
WHERE task.state = 'done' AND task.likeness = :likeness AND task.tier = :tier AND task.finished_at >= :since
ORDER BY task.finished_at DESC LIMIT :limit;

-- name: spent_by_all
SELECT coalesce(sum(micro_usd), 0) AS micro_usd FROM (
    SELECT micro_usd FROM spent_by_hour
    WHERE hour >= (:since + 3599999999) / 3600000000 AND scope = 'all'
    UNION ALL
    SELECT coalesce(cost_micro_usd, 0) FROM ledger
    WHERE booked_at IS NOT NULL AND booked_at >= :since
    AND booked_at < (:since + 3599999999) / 3600000000 * 3600000000
);

-- name: steers
SELECT move, actor, detail FROM history
WHERE task_id = :task_id AND move IN ('hold', 'reprioritise') AND actor != :dispatcher
ORDER BY id;

-- name: raise_standing_card
UPDATE delivery SET revision = revision + 1, due_at = :now, weight = 1, state = 'due'
WHERE key = 'card:' || :task_id AND state = 'sent' AND message IS NOT NULL
AND EXISTS (SELECT 1 FROM task WHERE task.id = :task_id AND task.state = 'queued')
RETURNING id;

-- name: reprioritise
UPDATE task SET
    priority = :priority, rank = :rank, ages_at = coalesce(ages_at, :ages_at), tier = :tier, model = :model,
    reason = :reason, cap_micro_usd = :cap_micro_usd, updated_at = :now
WHERE id = :task_id
RETURNING *;

-- name: give_feedback
INSERT INTO feedback (task_id, person, liked, at) VALUES (:task_id, :person, :liked, :now)
ON CONFLICT (task_id, person) DO UPDATE SET liked = excluded.liked, at = excluded.at;

-- name: feedback_on
SELECT person, liked FROM feedback WHERE task_id = :task_id ORDER BY at, person;
