-- name: is_running
SELECT 1 FROM task WHERE id = :task_id AND attempt = :attempt AND state = 'running';

-- name: add_entries
INSERT INTO transcript (task_id, attempt, number, at, who, kind, text)
SELECT
    :task_id, :attempt, :first + key, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
    json_extract(value, '$[2]'), json_extract(value, '$[3]')
FROM json_each(:entries)
WHERE true
ON CONFLICT DO NOTHING;

-- name: entries
SELECT at, who, kind, text FROM transcript
WHERE task_id = :task_id AND attempt = :attempt AND number > :after
ORDER BY number
LIMIT :limit;
