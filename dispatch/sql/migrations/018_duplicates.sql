-- What is asked twice waits for its requester's word, and may take the answer of the task that it is like.
ALTER TABLE task ADD COLUMN alike INTEGER REFERENCES task (id);
ALTER TABLE task ADD COLUMN follows INTEGER REFERENCES task (id);

CREATE INDEX task_same ON task (likeness, id) WHERE likeness IS NOT NULL;
CREATE INDEX task_undecided ON task (alike) WHERE alike IS NOT NULL;
CREATE INDEX task_follows ON task (follows) WHERE follows IS NOT NULL;
