-- What was asked before is recognised while its words are kept; what tasks of a tier came to is read by an index.
ALTER TABLE task ADD COLUMN likeness TEXT;

CREATE INDEX task_answered ON task (tier, finished_at) WHERE state = 'done';
CREATE INDEX task_alike ON task (likeness, tier, finished_at) WHERE state = 'done' AND likeness IS NOT NULL;

-- A person may hold what waits for something else already.
INSERT INTO move (name, source, target) VALUES ('hold', 'held', 'held');

-- What people think of answers: of each person the last word.
CREATE TABLE feedback (
    task_id INTEGER NOT NULL REFERENCES task (id),
    person TEXT NOT NULL,
    liked INTEGER NOT NULL CHECK (liked IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (task_id, person)
) STRICT, WITHOUT ROWID;
