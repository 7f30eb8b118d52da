-- name: additions_to
SELECT * FROM task WHERE adds_to = :task_id AND state = 'held' ORDER BY id;

-- name: put_taken
UPDATE task SET taken_by = :taken_by WHERE id = :task_id;

-- name: give_ration_back
DELETE FROM rationed WHERE task_id = :task_id;

-- name: taken_up
SELECT * FROM task WHERE taken_by = :task_id ORDER BY id;
