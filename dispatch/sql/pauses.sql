-- name: paused
SELECT actor, since FROM paused;

-- name: put_pause
INSERT INTO paused (id, actor, since) VALUES (1, :actor, :now) ON CONFLICT (id) DO NOTHING RETURNING id;

-- name: lift_pause
DELETE FROM paused RETURNING actor, since;
