-- name: last_day
SELECT max(day) AS day FROM digest WHERE channel = :channel;

-- name: tell
INSERT INTO digest (channel, day, told_at) VALUES (:channel, :day, :now)
ON CONFLICT (channel, day) DO NOTHING
RETURNING day;
