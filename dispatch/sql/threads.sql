-- name: in_thread
SELECT * FROM (
    SELECT * FROM task WHERE channel = :channel AND thread = :thread ORDER BY id DESC LIMIT :limit
)
ORDER BY id;

-- name: open_before
SELECT * FROM task WHERE id = (SELECT max(id) FROM (
    SELECT id FROM task
    WHERE channel = (SELECT channel FROM task WHERE id = :task_id)
    AND thread = (SELECT thread FROM task WHERE id = :task_id)
    AND id < :task_id AND finished_at IS NULL AND source != 'follow-up'
    UNION ALL
    SELECT leader.id FROM task
    JOIN task AS mother ON mother.id = task.parent
    JOIN task AS leader ON leader.id = mother.follows
    WHERE task.id = :task_id AND leader.finished_at IS NULL
));

-- name: put_behind
UPDATE task SET behind = :behind, adds_to = :adds_to WHERE id = :task_id RETURNING *;

-- name: behind
SELECT * FROM task WHERE behind = :task_id AND state = 'held' ORDER BY id;

-- name: close_up
UPDATE task SET behind = (SELECT gone.behind FROM task AS gone WHERE gone.id = :task_id)
WHERE behind = :task_id AND state = 'held'
AND EXISTS (SELECT 1 FROM task AS gone WHERE gone.id = :task_id AND gone.behind IS NOT NULL)
RETURNING id;
