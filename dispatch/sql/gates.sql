-- name: gates
SELECT * FROM gate;

-- name: put_gate
INSERT INTO gate (name, state, fault, detail, faults, closed_at, opens_at, probe, suspect)
VALUES (:name, :state, :fault, :detail, :faults, :closed_at, :opens_at, :probe, :suspect)
ON CONFLICT (name) DO UPDATE SET
    state = excluded.state, fault = excluded.fault, detail = excluded.detail, faults = excluded.faults,
    closed_at = excluded.closed_at, opens_at = excluded.opens_at, probe = excluded.probe,
    suspect = excluded.suspect;

-- name: stop_probing
UPDATE gate SET state = 'closed', opens_at = :now, probe = NULL
WHERE state = 'probing'
AND NOT EXISTS (SELECT 1 FROM task WHERE task.id = gate.probe AND task.state = 'running');

-- name: raise_waiting_cards
UPDATE delivery SET
    revision = revision + 1,
    due_at = iif(state = 'sent', :now, due_at),
    weight = message IS NOT NULL,
    state = iif(state = 'sent', 'due', state)
WHERE key IN (SELECT 'card:' || id FROM task INDEXED BY task_ready WHERE state = 'queued' AND tier = :tier);
