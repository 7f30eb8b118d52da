-- name: booked_tasks
SELECT * FROM task WHERE id IN (
    SELECT task_id FROM ledger
    WHERE booked_at IS NOT NULL AND booked_at >= :since AND booked_at < :until
);

-- name: booked_attempts
SELECT task_id, number, started_at, ended_at, verdict, fault FROM attempt
WHERE (task_id, number) IN (
    SELECT task_id, attempt FROM ledger
    WHERE booked_at IS NOT NULL AND booked_at >= :since AND booked_at < :until
);

-- While a person holds it, it is told apart from another, waits behind one in its thread or has ended, a task
-- waits for nobody's seat. Where a budget has no room for it, it does.
-- name: first_starts
SELECT
    task.id, task.priority, task.channel,
    attempt.started_at - task.created_at - coalesce((
        SELECT sum(until - at) FROM (
            SELECT at, state, detail, lead(at) OVER (ORDER BY id) AS until
            FROM history WHERE history.task_id = task.id
        )
        WHERE until <= attempt.started_at
        AND (state NOT IN ('queued', 'held') OR (state = 'held' AND detail NOT LIKE 'budget %'))
    ), 0) AS waited
FROM attempt CROSS JOIN task ON task.id = attempt.task_id
WHERE attempt.started_at >= :since AND attempt.started_at < :until AND attempt.number = 1;

-- name: thumbs
SELECT feedback.task_id, task.channel, feedback.liked
FROM feedback CROSS JOIN task ON task.id = feedback.task_id
WHERE feedback.at >= :since AND feedback.at < :until;

-- Whole hours are summed already; what is left of the first and the last one is read request by request.
-- name: spent_between
SELECT scope, sum(micro_usd) AS micro_usd FROM (
    SELECT scope, micro_usd FROM spent_by_hour
    WHERE hour >= (:since + 3599999999) / 3600000000 AND hour < :until / 3600000000
    UNION ALL
    SELECT scope, micro_usd FROM charge
    WHERE booked_at >= :since AND booked_at < min(:until, (:since + 3599999999) / 3600000000 * 3600000000)
    UNION ALL
    SELECT scope, micro_usd FROM charge
    WHERE booked_at < :until
    AND booked_at >= max((:since + 3599999999) / 3600000000, :until / 3600000000) * 3600000000
)
GROUP BY scope;

-- name: spending_of_channel
SELECT
    ledger.tier,
    count(DISTINCT ledger.task_id) AS tasks,
    coalesce(sum(ledger.cost_micro_usd), 0) AS micro_usd,
    count(ledger.unpriced) AS unpriced
FROM ledger CROSS JOIN task ON task.id = ledger.task_id
WHERE ledger.booked_at IS NOT NULL AND ledger.booked_at >= :since AND ledger.booked_at < :until
AND task.channel = :channel
GROUP BY ledger.tier
ORDER BY ledger.tier;

-- name: unpriced_between
SELECT task.channel, task.requester, count(*) AS requests
FROM ledger CROSS JOIN task ON task.id = ledger.task_id
WHERE ledger.booked_at IS NOT NULL AND ledger.booked_at >= :since AND ledger.booked_at < :until
AND ledger.unpriced IS NOT NULL
GROUP BY task.channel, task.requester;

-- name: open_in_channel
SELECT count(*) AS tasks FROM task WHERE finished_at IS NULL AND channel = :channel;

-- name: newest_billed
SELECT max(task_id) AS newest FROM ledger
WHERE booked_at IS NOT NULL AND booked_at >= :since AND booked_at < :until;

-- name: bill
SELECT
    task.*,
    (SELECT started_at FROM attempt WHERE attempt.task_id = task.id AND attempt.number = 1) AS started_at,
    sum(ledger.input_tokens) AS input_tokens,
    sum(ledger.cache_read_tokens) AS cache_read_tokens,
    sum(ledger.cache_write_5m_tokens + ledger.cache_write_1h_tokens) AS cache_write_tokens,
    sum(ledger.output_tokens) AS output_tokens,
    sum(ledger.cost_micro_usd) AS billed_micro_usd,
    count(ledger.unpriced) AS billed_unpriced
FROM task CROSS JOIN ledger ON ledger.task_id = task.id
WHERE task.id > :after AND task.id <= :newest
AND ledger.booked_at IS NOT NULL AND ledger.booked_at >= :since AND ledger.booked_at < :until
GROUP BY task.id
ORDER BY task.id
LIMIT :limit;
