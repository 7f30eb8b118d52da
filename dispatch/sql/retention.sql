-- name: forgettable
SELECT id FROM task
WHERE finished_at IS NOT NULL AND forgotten_at IS NULL AND finished_at < :before
AND NOT EXISTS (
    SELECT 1 FROM delivery WHERE delivery.task_id = task.id AND delivery.state IN ('due', 'sending')
)
AND NOT EXISTS (SELECT 1 FROM task AS parent WHERE parent.id = task.parent AND parent.forgotten_at IS NULL)
ORDER BY finished_at
LIMIT :limit;

-- name: forget_transcripts
DELETE FROM transcript WHERE rowid IN (
    SELECT rowid FROM transcript WHERE task_id IN (SELECT value FROM json_each(:task_ids)) LIMIT :limit
)
RETURNING rowid;

-- name: forget_attempts
UPDATE attempt SET text = '', progress = '', doing = '', fault_detail = '', branch = NULL, diffstat = '',
    diff = ''
WHERE task_id IN (SELECT value FROM json_each(:task_ids));

-- name: forget_questions
UPDATE question SET
    text = '', reason = '', options = '[]', route = NULL, answer = iif(answer IS NULL, NULL, ''),
    conversation = NULL
WHERE task_id IN (SELECT value FROM json_each(:task_ids));

-- Which budget had no room for a task is nobody's words, and says that it has waited.
-- name: forget_history
UPDATE history SET detail = ''
WHERE task_id IN (SELECT value FROM json_each(:task_ids)) 
AND NOT (move = 'hold' AND detail LIKE 'budget %');

-- name: forget_deliveries
DELETE FROM delivery
WHERE state IN ('sent', 'refused') AND task_id IN (SELECT value FROM json_each(:task_ids));

-- name: forget_tasks
UPDATE task SET
    words = '', files = '[]', likeness = NULL, forgotten_at = :now,
    request_key = iif(source = 'follow-up', 'forgotten:' || id, request_key)
WHERE id IN (SELECT value FROM json_each(:task_ids));

-- name: forget_told
DELETE FROM delivery WHERE id IN (
    SELECT id FROM delivery
    WHERE task_id IS NULL AND state IN ('sent', 'refused') AND created_at < :before
    LIMIT :limit
)
RETURNING id;
