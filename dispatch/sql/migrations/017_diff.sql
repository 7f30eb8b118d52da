-- What an attempt changed in its project, line by line; empty where there is nothing or too much to tell.
ALTER TABLE attempt ADD COLUMN diff TEXT NOT NULL DEFAULT '';
