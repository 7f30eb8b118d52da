-- name: alarms
SELECT * FROM alarm ORDER BY since, key;

-- name: put_alarm
INSERT INTO alarm (key, since, told_at, channel, message, acknowledged_by, delayed)
VALUES (:key, :since, :told_at, :channel, :message, :acknowledged_by, :delayed)
ON CONFLICT (key) DO UPDATE SET
    since = excluded.since, told_at = excluded.told_at, channel = excluded.channel,
    message = excluded.message, acknowledged_by = excluded.acknowledged_by, delayed = excluded.delayed;

-- name: close_alarm
DELETE FROM alarm WHERE key = :key RETURNING *;
