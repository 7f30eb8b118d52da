-- name: begin_preview
INSERT INTO preview (task_id, attempt, channel, thread, begun_at)
SELECT id, attempt, channel, thread, :now FROM task
WHERE id = :task_id AND attempt = :attempt AND state = 'running' AND thread IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING task_id;

-- name: preview_begun
UPDATE preview SET message = :message WHERE task_id = :task_id AND attempt = :attempt;

-- name: previews
SELECT
    preview.task_id, preview.attempt, preview.channel, preview.thread, preview.begun_at, preview.message,
    task.state = 'running' AND task.attempt = preview.attempt AS grows,
    coalesce(answer.state IN ('due', 'sending'), 0) AS due,
    coalesce(answer.message = preview.message, 0) AS taken
FROM preview
JOIN task ON task.id = preview.task_id
LEFT JOIN delivery AS answer ON answer.key = 'answer:' || preview.task_id || ':' || preview.attempt
ORDER BY preview.task_id, preview.attempt;

-- name: forget_preview
DELETE FROM preview WHERE task_id = :task_id AND attempt = :attempt;
