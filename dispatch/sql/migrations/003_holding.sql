-- What a task waits at and for: its place in line, gates, budgets, its own end of life.

ALTER TABLE task ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN ages_at INTEGER;
ALTER TABLE task ADD COLUMN expires_at INTEGER;
ALTER TABLE task ADD COLUMN losses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN suspicions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN hold TEXT CHECK (hold IN ('retry', 'budget', 'person'));
ALTER TABLE task ADD COLUMN shortage TEXT;
ALTER TABLE task ADD COLUMN limit_micro_usd INTEGER;

UPDATE task SET rank = priority, ages_at = created_at + 3600000000;
UPDATE task SET hold = 'retry' WHERE state = 'held';

-- `rank` is the priority, moved up with age; `turn` deals out a rank among its requesters, one each.
-- `line.turn` is how far that has come: nobody who comes later stands before it.
CREATE TABLE line (
    tier TEXT NOT NULL,
    rank INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (tier, rank)
) STRICT;

DROP INDEX task_ready;
CREATE INDEX task_ready ON task (tier, rank, turn, id) WHERE state = 'queued';
CREATE INDEX task_turn ON task (tier, rank, requester, turn) WHERE state = 'queued';
CREATE INDEX task_ageing ON task (ages_at) WHERE state = 'queued' AND ages_at IS NOT NULL;
CREATE INDEX task_seated_by ON task (requester) WHERE state = 'running';
CREATE INDEX task_open_by ON task (requester) WHERE finished_at IS NULL;
CREATE INDEX task_open_from ON task (source) WHERE finished_at IS NULL;
CREATE INDEX task_expiring ON task (expires_at) WHERE finished_at IS NULL AND expires_at IS NOT NULL;
CREATE INDEX task_short ON task (rank, turn, id) WHERE state = 'held' AND hold = 'budget';
CREATE INDEX attempt_started ON attempt (started_at);

CREATE TABLE gate (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'probing')),
    fault TEXT,
    detail TEXT NOT NULL,
    faults INTEGER NOT NULL,
    closed_at INTEGER,
    opens_at INTEGER,
    probe INTEGER,
    suspect INTEGER,
    CHECK ((state = 'probing') = (probe IS NOT NULL))
) STRICT;

-- What operators have been told and have not heard the end of.
CREATE TABLE alarm (
    key TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    told_at INTEGER,
    channel TEXT,
    message TEXT,
    acknowledged_by TEXT,
    delayed INTEGER NOT NULL DEFAULT 0
) STRICT;
