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

-- name: drop_booking
DELETE FROM ledger WHERE id = :booking_id AND booked_at IS NULL RETURNING id;

-- name: close_open
UPDATE ledger SET unpriced = :unpriced, estimated = 1, booked_at = :now
WHERE booked_at IS NULL
RETURNING id;

-- name: spent
SELECT coalesce(sum(cost_micro_usd), 0) AS micro_usd FROM ledger WHERE task_id = :task_id;

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
