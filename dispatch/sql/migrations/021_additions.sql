-- What is said to a running task adds to that: its session takes it up, in the place of a session of its own.
ALTER TABLE task ADD COLUMN adds_to INTEGER REFERENCES task (id);
ALTER TABLE task ADD COLUMN taken_by INTEGER REFERENCES task (id);

CREATE INDEX task_additions ON task (adds_to, id) WHERE adds_to IS NOT NULL;
CREATE INDEX task_taken ON task (taken_by, id) WHERE taken_by IS NOT NULL;

CREATE TRIGGER task_taken_up_stays BEFORE UPDATE OF state ON task
WHEN old.taken_by IS NOT NULL AND new.state != old.state
BEGIN
    SELECT raise(ABORT, 'what another task has taken up never runs');
END;
