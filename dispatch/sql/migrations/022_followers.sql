-- What follows another task costs nothing and counts towards nobody's day, unless it runs after all.
CREATE TRIGGER task_follows_another AFTER UPDATE OF follows ON task WHEN new.follows IS NOT NULL
BEGIN
    DELETE FROM rationed WHERE task_id = new.id;
END;

CREATE TRIGGER task_runs_after_all AFTER UPDATE OF follows ON task
WHEN old.follows IS NOT NULL AND new.follows IS NULL
BEGIN
    INSERT OR IGNORE INTO rationed (task_id, kind, person, at)
    SELECT new.id, 'urgent', new.requester, new.updated_at WHERE new.priority <= 2 AND new.script IS NULL
    UNION ALL
    SELECT new.id, 'opus', new.requester, new.updated_at WHERE new.tier = 'opus';
END;

DELETE FROM rationed WHERE task_id IN (SELECT id FROM task WHERE follows IS NOT NULL);

-- What people think of answers is told by the day on which they said so.
CREATE INDEX feedback_given ON feedback (at);
