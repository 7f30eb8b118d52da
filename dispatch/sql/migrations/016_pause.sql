-- The whole queue, paused by a person: while there is a row nothing is claimed.
CREATE TABLE paused (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    actor TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
