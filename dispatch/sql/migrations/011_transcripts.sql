-- What happened in each attempt: what its model said, the tools it called and what they answered.
CREATE TABLE transcript (
    task_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('said', 'call', 'result', 'error', 'note')),
    text TEXT NOT NULL,
    PRIMARY KEY (task_id, attempt, number),
    FOREIGN KEY (task_id, attempt) REFERENCES attempt (task_id, number)
) STRICT;

CREATE TRIGGER transcript_only_grows BEFORE UPDATE ON transcript
BEGIN
    SELECT raise(ABORT, 'a transcript only grows');
END;
