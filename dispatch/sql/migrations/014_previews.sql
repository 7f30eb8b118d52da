-- Messages in which an answer grows while it is written. One row until the answer has taken its message over,
-- or the message has been taken back; without a message while it is not known which it is.
CREATE TABLE preview (
    task_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    begun_at INTEGER NOT NULL,
    message TEXT,
    PRIMARY KEY (task_id, attempt),
    FOREIGN KEY (task_id, attempt) REFERENCES attempt (task_id, number)
) STRICT, WITHOUT ROWID;
