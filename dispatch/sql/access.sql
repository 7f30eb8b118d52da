-- name: rationed
SELECT kind FROM rationed WHERE task_id = :task_id ORDER BY kind DESC;

-- name: rationed_since
SELECT count(*) AS tasks FROM rationed WHERE person = :person AND kind = :kind AND at >= :since;

-- name: ration_opus
INSERT OR IGNORE INTO rationed (task_id, kind, person, at)
SELECT id, 'opus', requester, :now FROM task WHERE id = :task_id;

-- name: history
SELECT at, move, actor, detail, state, lag(state) OVER (ORDER BY id) AS was
FROM history WHERE task_id = :task_id ORDER BY id;
