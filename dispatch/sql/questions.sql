-- name: questions
SELECT * FROM question WHERE task_id = :task_id ORDER BY id;

-- name: question
SELECT * FROM question WHERE id = :question_id;

-- name: ask
INSERT INTO question (
    task_id, attempt, kind, text, reason, options, route, asked_at, deadline, ending, ended_at, answer, told
) VALUES (
    :task_id, :attempt, :kind, :text, :reason, :options, :route, :now, :deadline, :ending,
    iif(:ending IS NULL, NULL, :now), :answer, 0
)
RETURNING *;

-- name: ask_again
UPDATE question SET attempt = :attempt WHERE id = :question_id RETURNING *;

-- name: end_question
UPDATE question SET ending = :ending, answer = :answer, person = :person, key = :key, ended_at = :now
WHERE id = :question_id AND ending IS NULL
RETURNING *;

-- name: tell_session
UPDATE question SET told = 1 WHERE id = :question_id AND ending IS NOT NULL;

-- name: asked_in
SELECT question.* FROM question JOIN task ON task.id = question.task_id
WHERE question.ending IS NULL AND task.channel = :channel AND task.thread = :thread
ORDER BY question.id DESC LIMIT 1;

-- name: answered_with
SELECT * FROM question WHERE key = :key;

-- name: overdue_questions
SELECT id FROM question WHERE ending IS NULL AND deadline <= :now ORDER BY deadline, id LIMIT :limit;

-- name: stale_questions
UPDATE question SET ending = 'stale', ended_at = :now
WHERE task_id = :task_id AND ending IS NULL
RETURNING id;

-- name: raise_question
UPDATE delivery SET
    revision = revision + 1,
    due_at = iif(state IN ('sent', 'refused'), :now, due_at),
    state = iif(state IN ('sent', 'refused'), 'due', state)
WHERE key = 'question:' || :question_id;

-- name: keep_conversation
UPDATE question SET conversation = iif(id = :question_id, :conversation, NULL) WHERE task_id = :task_id;

-- name: drop_conversations
UPDATE question SET conversation = NULL WHERE task_id = :task_id AND conversation IS NOT NULL;

-- An approval that holds once is not given to a second session where the first may have acted on it.
-- name: to_resume
SELECT * FROM question
WHERE task_id = :task_id AND conversation IS NOT NULL AND ending IN ('answered', 'overdue')
AND NOT (
    answer = 'once' AND kind = 'approval' AND EXISTS (
        SELECT 1 FROM ledger WHERE ledger.task_id = question.task_id AND ledger.attempt > question.attempt
    )
)
ORDER BY id DESC LIMIT 1;
