-- The requests that had a task run again: each has done so once, however often it is delivered.
CREATE TABLE retry_request (
    key TEXT PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    at INTEGER NOT NULL
) STRICT;
