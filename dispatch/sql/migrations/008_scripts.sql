-- A task may run a script in the place of a model, and one that may have done half its work does not run again by itself.
ALTER TABLE task ADD COLUMN script TEXT;
ALTER TABLE task ADD COLUMN again INTEGER NOT NULL DEFAULT 1 CHECK (again IN (0, 1));
