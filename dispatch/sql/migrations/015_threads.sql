-- What a person says in a task's thread waits there until the task before it has ended.
ALTER TABLE task ADD COLUMN behind INTEGER REFERENCES task (id);

CREATE INDEX task_behind ON task (behind) WHERE behind IS NOT NULL;
CREATE INDEX task_thread ON task (channel, thread, id) WHERE thread IS NOT NULL;
