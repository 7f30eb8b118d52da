-- A task may name the project it is about; an attempt keeps the work it left on a branch, and what its
-- runtime itself said it cost, beside what the ledger says.
ALTER TABLE task ADD COLUMN project TEXT;

ALTER TABLE attempt ADD COLUMN branch TEXT;
ALTER TABLE attempt ADD COLUMN diffstat TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN said_micro_usd INTEGER CHECK (said_micro_usd >= 0);
