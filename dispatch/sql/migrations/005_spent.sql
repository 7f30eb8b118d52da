-- What each request cost, once for each budget that it counts towards.
CREATE VIEW charge (booking, booked_at, scope, micro_usd) AS
SELECT id, booked_at, 'all', coalesce(cost_micro_usd, 0) FROM ledger
WHERE booked_at IS NOT NULL
UNION ALL
SELECT id, booked_at, 'tier:' || tier, coalesce(cost_micro_usd, 0) FROM ledger
WHERE booked_at IS NOT NULL
UNION ALL
SELECT ledger.id, ledger.booked_at, 'channel:' || task.channel, coalesce(ledger.cost_micro_usd, 0)
FROM ledger JOIN task ON task.id = ledger.task_id WHERE ledger.booked_at IS NOT NULL
UNION ALL
SELECT ledger.id, ledger.booked_at, 'person:' || task.requester, coalesce(ledger.cost_micro_usd, 0)
FROM ledger JOIN task ON task.id = ledger.task_id WHERE ledger.booked_at IS NOT NULL;

-- The same summed by the hour (since 1970, UTC), so that a claim need not add up the day's requests. What was
-- spent for a channel stays with it where the task moves to another.
CREATE TABLE spent_by_hour (
    hour INTEGER NOT NULL,
    scope TEXT NOT NULL,
    micro_usd INTEGER NOT NULL,
    PRIMARY KEY (hour, scope)
) STRICT, WITHOUT ROWID;

INSERT INTO spent_by_hour (hour, scope, micro_usd)
SELECT booked_at / 3600000000, scope, sum(micro_usd) FROM charge GROUP BY 1, 2;

CREATE TRIGGER ledger_hours AFTER UPDATE OF booked_at ON ledger
WHEN new.booked_at IS NOT NULL
BEGIN
    INSERT INTO spent_by_hour (hour, scope, micro_usd)
    SELECT booked_at / 3600000000, scope, micro_usd FROM charge WHERE booking = new.id
    ON CONFLICT DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd;
END;
