-- More than one digest may be told in a channel, each once for its days.
CREATE TABLE digest_new (
    edition TEXT NOT NULL CHECK (edition IN ('daily', 'weekly', 'channel')),
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (edition, channel, day)
) STRICT;

INSERT INTO digest_new (edition, channel, day, told_at) SELECT 'daily', channel, day, told_at FROM digest;

DROP TABLE digest;
ALTER TABLE digest_new RENAME TO digest;
