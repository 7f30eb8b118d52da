-- What was said in a task that ended long ago is forgotten; such a task never runs again.
ALTER TABLE task ADD COLUMN forgotten_at INTEGER CHECK (forgotten_at IS NULL OR finished_at IS NOT NULL);

CREATE INDEX task_remembered ON task (finished_at) WHERE finished_at IS NOT NULL AND forgotten_at IS NULL;
CREATE INDEX delivery_over ON delivery (task_id) WHERE task_id IS NOT NULL AND state IN ('sent', 'refused');
CREATE INDEX delivery_told ON delivery (created_at) WHERE task_id IS NULL AND state IN ('sent', 'refused');
