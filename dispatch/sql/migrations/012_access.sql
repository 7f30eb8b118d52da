-- Each move tells the state it left its task in. Of earlier moves that is not known.
ALTER TABLE history ADD COLUMN state TEXT;

-- What a person may have only so many of a day. A task counts once as each kind, when it first becomes that,
-- whatever makes it so: its requester, a raised priority or another model.
CREATE TABLE rationed (
    task_id INTEGER NOT NULL REFERENCES task (id),
    kind TEXT NOT NULL CHECK (kind IN ('urgent', 'opus')),
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (task_id, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX rationed_by_person ON rationed (person, kind, at);

INSERT INTO rationed (task_id, kind, person, at)
SELECT id, 'urgent', requester, created_at FROM task WHERE priority <= 2 AND script IS NULL
UNION ALL
SELECT id, 'opus', requester, created_at FROM task WHERE tier = 'opus';

CREATE TRIGGER task_comes_urgent AFTER INSERT ON task WHEN new.priority <= 2 AND new.script IS NULL
BEGIN
    INSERT OR IGNORE INTO rationed VALUES (new.id, 'urgent', new.requester, new.updated_at);
END;

CREATE TRIGGER task_becomes_urgent AFTER UPDATE OF priority ON task WHEN new.priority <= 2 AND new.script IS NULL
BEGIN
    INSERT OR IGNORE INTO rationed VALUES (new.id, 'urgent', new.requester, new.updated_at);
END;

CREATE TRIGGER task_comes_to_opus AFTER INSERT ON task WHEN new.tier = 'opus'
BEGIN
    INSERT OR IGNORE INTO rationed VALUES (new.id, 'opus', new.requester, new.updated_at);
END;

CREATE TRIGGER task_goes_to_opus AFTER UPDATE OF tier ON task WHEN new.tier = 'opus'
BEGIN
    INSERT OR IGNORE INTO rationed VALUES (new.id, 'opus', new.requester, new.updated_at);
END;
