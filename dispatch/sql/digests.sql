-- name: last_day
SELECT max(day) AS day FROM digest WHERE edition = :edition AND channel = :channel;

-- name: tell
INSERT INTO digest (edition, channel, day, told_at) VALUES (:edition, :channel, :day, :now)
ON CONFLICT (edition, channel, day) DO NOTHING
RETURNING day;
