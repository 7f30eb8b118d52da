-- name: open_booking
INSERT INTO ledger (task_id, attempt, tier, model, opened_at)
SELECT id, attempt, tier, :model, :now FROM task
WHERE id = :task_id AND attempt = :attempt AND state = 'running'
RETURNING id;

-- name: book
UPDATE ledger SET
    model = :model, request_id = :request_id,
    input_tokens = :input_tokens, output_tokens = :output_tokens,
    cache_read_tokens = :cache_read_tokens, cache_write_5m_tokens = :cache_write_5m_tokens,
    cache_write_1h_tokens = :cache_write_1h_tokens, web_searches = :web_searches,
    service_tier = :service_tier, speed = :speed, geo = :geo,
    cost_micro_usd = :cost_micro_usd, price_version = :price_version, unpriced = :unpriced,
    estimated = :estimated, booked_at = :now
WHERE id = :booking_id AND booked_at IS NULL
RETURNING id;

-- name: note_booking
UPDATE ledger SET
    model = :model, request_id = :request_id,
    input_tokens = :input_tokens, output_tokens = :output_tokens,
    cache_read_tokens = :cache_read_tokens, cache_write_5m_tokens = :cache_write_5m_tokens,
    cache_write_1h_tokens = :cache_write_1h_tokens, web_searches = :web_searches,
    service_tier = :service_tier, speed = :speed, geo = :geo
WHERE id = :booking_id AND booked_at IS NULL;

-- name: open_bookings
SELECT * FROM ledger WHERE booked_at IS NULL ORDER BY id;

-- name: drop_booking
DELETE FROM ledger WHERE id = :booking_id AND booked_at IS NULL RETURNING id;

-- name: spent
SELECT
    coalesce(sum(cost_micro_usd), 0) AS micro_usd,
    coalesce(sum(
        input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens + output_tokens
    ), 0) AS tokens
FROM ledger WHERE task_id = :task_id AND booked_at IS NOT NULL;

-- name: spent_since
SELECT scope, sum(micro_usd) AS micro_usd FROM (
    SELECT scope, micro_usd FROM spent_by_hour WHERE hour >= (:since + 3599999999) / 3600000000
    UNION ALL
    SELECT scope, micro_usd FROM charge
    WHERE booked_at >= :since AND booked_at < (:since + 3599999999) / 3600000000 * 3600000000
)
GROUP BY scope;

-- name: reserved
SELECT
    tier, channel, requester,
    max(limit_micro_usd - cost_micro_usd, 0) AS micro_usd
FROM task WHERE state = 'running' AND limit_micro_usd IS NOT NULL;

-- name: bookings
SELECT * FROM ledger
WHERE booked_at IS NOT NULL AND booked_at >= :since AND booked_at < :until
ORDER BY booked_at, id;

-- name: spending
SELECT
    tier,
    count(DISTINCT task_id) AS tasks,
    coalesce(sum(cost_micro_usd), 0) AS micro_usd,
    count(unpriced) AS unpriced
FROM ledger
WHERE booked_at IS NOT NULL AND booked_at >= :since AND booked_at < :until
GROUP BY tier
ORDER BY tier;
