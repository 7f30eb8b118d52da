-- An attempt's work says where it is kept, its progress what its runner alone wrote, and those whose runtime
-- names a cost are found by the time they ended.
ALTER TABLE attempt ADD COLUMN kept TEXT NOT NULL DEFAULT 'branch'
    CHECK (kept IN ('branch', 'pushed', 'unpushed', 'refused'));
ALTER TABLE attempt ADD COLUMN doing TEXT NOT NULL DEFAULT '';

CREATE INDEX attempt_said ON attempt (ended_at) WHERE said_micro_usd IS NOT NULL;
