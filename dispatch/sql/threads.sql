-- name: in_thread
SELECT * FROM (
    SELECT * FROM task WHERE channel = :channel AND thread = :thread ORDER BY id DESC LIMIT :limit
)
ORDER BY id;

-- name: open_before
SELECT max(id) AS id FROM task
WHERE channel = (SELECT channel FROM task WHERE id = :task_id)
AND thread = (SELECT thread FROM task WHERE id = :task_id)
AND id < :task_id AND finished_at IS NULL AND source != 'follow-up';

-- name: put_behind
UPDATE task SET behind = :behind WHERE id = :task_id RETURNING *;

-- name: behind
SELECT * FROM task WHERE behind = :task_id AND state = 'held' ORDER BY id;
