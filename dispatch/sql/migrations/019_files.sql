-- The files that came with a request: id, name and size of each, never what is in them.
ALTER TABLE task ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
