-- name: same_as
SELECT other.* FROM task JOIN task AS other INDEXED BY task_same
ON other.likeness = task.likeness AND other.id < task.id
WHERE task.id = :task_id
AND other.script IS NULL AND other.parent IS NULL AND NOT other.quote_thread AND other.files = '[]'
AND other.asked_model IS task.asked_model AND other.asked_cap_micro_usd IS task.asked_cap_micro_usd
AND other.project IS task.project
AND (other.requester = task.requester OR other.channel = task.channel)
AND other.alike IS NULL AND NOT other.cancel_asked
AND (other.finished_at IS NULL OR (other.state = 'done' AND other.finished_at >= :since))
ORDER BY other.id DESC LIMIT 1;

-- name: put_alike
UPDATE task SET alike = :alike WHERE id = :task_id RETURNING *;

-- name: put_follows
UPDATE task SET follows = :follows WHERE id = :task_id RETURNING *;

-- name: followers
SELECT * FROM task WHERE follows = :task_id ORDER BY id;

-- name: undecided
SELECT * FROM task WHERE alike = :task_id AND state = 'held' ORDER BY id;

-- name: put_private
INSERT INTO delivery (key, kind, task_id, thread, person, created_at, due_at)
VALUES (:key, :kind, :task_id, :thread, :person, :now, :now)
ON CONFLICT (key) DO NOTHING;
