-- name: claim
UPDATE task SET state = 'running', attempt = attempt + 1, lease_until = :lease_until, updated_at = :now
WHERE id = (
    SELECT id FROM task
    WHERE state = 'queued' AND tier = :tier AND id != :avoid
    AND (expires_at IS NULL OR expires_at > :now)
    AND requester NOT IN (
        SELECT requester FROM task WHERE state = 'running'
        GROUP BY requester HAVING count(*) >= :per_requester
    )
    ORDER BY rank, turn, id LIMIT 1
)
AND (SELECT count(*) FROM task WHERE state = 'running' AND tier = :tier)
    < :seats - iif(priority <= :urgent, 0, :kept)
RETURNING *;

-- name: savepoint
SAVEPOINT claiming;

-- name: roll_back
ROLLBACK TO claiming;

-- name: allow
UPDATE task SET limit_micro_usd = :limit_micro_usd WHERE id = :task_id;

-- name: start_attempt
INSERT INTO attempt (task_id, number, model, started_at) VALUES (:task_id, :attempt, :model, :now);

-- name: renew
UPDATE task SET lease_until = :lease_until
WHERE id = :task_id AND attempt = :attempt AND state = 'running'
RETURNING id;

-- name: progress
UPDATE attempt SET progress = :text, doing = iif(:own, :text, doing)
WHERE task_id = :task_id AND number = :attempt;

-- name: end_attempt
UPDATE attempt SET
    ended_at = :now, verdict = :verdict, fault = :fault, fault_detail = :fault_detail,
    retry_after = :retry_after, ran_model = :ran_model, text = :text,
    branch = coalesce(:branch, branch), diffstat = iif(:branch IS NULL, diffstat, :diffstat),
    diff = iif(:branch IS NULL, diff, :diff),
    kept = iif(:branch IS NULL, kept, :kept), said_micro_usd = :said_micro_usd
WHERE task_id = :task_id AND number = :attempt;

-- name: note_work
UPDATE attempt SET branch = :branch, diffstat = :diffstat, diff = :diff, kept = :kept
WHERE task_id = :task_id AND number = :attempt
AND EXISTS (SELECT 1 FROM task WHERE task.id = :task_id AND task.forgotten_at IS NULL);

-- name: running
SELECT * FROM task INDEXED BY task_seated WHERE state = 'running' ORDER BY id;

-- name: under_way
SELECT
    task.*, attempt.started_at,
    coalesce(sum(
        ledger.input_tokens + ledger.cache_read_tokens
        + ledger.cache_write_5m_tokens + ledger.cache_write_1h_tokens + ledger.output_tokens
    ), 0) AS tokens
FROM task INDEXED BY task_seated
JOIN attempt ON attempt.task_id = task.id AND attempt.number = task.attempt
LEFT JOIN ledger ON ledger.task_id = attempt.task_id AND ledger.attempt = attempt.number
WHERE task.state = 'running'
GROUP BY task.id
ORDER BY task.id;

-- name: overdue
SELECT * FROM task WHERE state = 'running' AND lease_until <= :now ORDER BY lease_until;

-- name: attempts
SELECT
    attempt.*,
    coalesce(sum(ledger.cost_micro_usd), 0) AS cost_micro_usd,
    count(ledger.unpriced) AS unpriced,
    coalesce(sum(
        ledger.input_tokens + ledger.cache_read_tokens
        + ledger.cache_write_5m_tokens + ledger.cache_write_1h_tokens
    ), 0) AS prompt_tokens,
    coalesce(sum(ledger.output_tokens), 0) AS output_tokens,
    EXISTS (
        SELECT 1 FROM transcript
        WHERE transcript.task_id = attempt.task_id AND transcript.attempt = attempt.number
    ) AS has_transcript
FROM attempt
LEFT JOIN ledger ON ledger.task_id = attempt.task_id AND ledger.attempt = attempt.number
WHERE attempt.task_id = :task_id
GROUP BY attempt.number
ORDER BY attempt.number;

-- name: self_costed
SELECT
    attempt.task_id, attempt.said_micro_usd,
    coalesce(sum(ledger.cost_micro_usd), 0) AS cost_micro_usd,
    count(ledger.unpriced) AS unpriced
FROM attempt
LEFT JOIN ledger ON ledger.task_id = attempt.task_id AND ledger.attempt = attempt.number
WHERE attempt.said_micro_usd IS NOT NULL AND attempt.ended_at >= :since AND attempt.ended_at < :until
GROUP BY attempt.task_id, attempt.number
ORDER BY attempt.task_id, attempt.number;
