-- name: node
SELECT count, closed_at AS closedAt FROM nodes WHERE space = :space AND id = :id;

-- name: announce
INSERT INTO nodes (space, id, info) VALUES (:space, :id, :info) ON CONFLICT (space, id) DO UPDATE SET info = excluded.info;

-- name: beat
UPDATE nodes SET count = count + 1 WHERE space = :space AND id = :id AND closed_at IS NULL RETURNING count;

-- name: nodes
SELECT info, count FROM nodes WHERE space = :space AND closed_at IS NULL ORDER BY id;

-- name: closeNode
UPDATE nodes SET closed_at = :now WHERE space = :space AND id = :id;

-- name: closeEpochsOf
UPDATE epochs SET closed_at = :now WHERE space = :space AND node = :node AND closed_at IS NULL RETURNING name;

-- name: epoch
SELECT id, node, closed_at AS closedAt, last_call AS lastCall, last_number AS lastNumber FROM epochs WHERE space = :space AND name = :name;

-- name: openEpoch
INSERT INTO epochs (space, name, node) VALUES (:space, :name, :node);

-- name: closeEpoch
INSERT INTO epochs (space, name, node, closed_at) VALUES (:space, :name, '', :now)
ON CONFLICT (space, name) DO UPDATE SET closed_at = coalesce(closed_at, excluded.closed_at);

-- name: called
UPDATE epochs SET last_call = :call, last_number = :number WHERE id = :id;

-- name: orphans
SELECT name FROM epochs e WHERE space = :space AND closed_at IS NOT NULL
AND EXISTS (SELECT 1 FROM messages WHERE place = 1 AND epoch = e.id) ORDER BY id;

-- name: addRevoke
INSERT INTO revokes (space, version, kind, value, terminate, kill_after_ms, signal, expires)
VALUES (:space, :version, :kind, :value, :terminate, :killAfterMs, :signal, :expires);

-- name: revokesSince
SELECT version, kind, value, terminate, kill_after_ms AS killAfterMs, signal, expires FROM revokes
WHERE space = :space AND version > :version ORDER BY version LIMIT :limit;

-- name: standingRevoke
SELECT kind, value, terminate, kill_after_ms AS killAfterMs, signal, expires FROM revokes
WHERE space = :space AND value = :value AND kind = :kind AND expires > :now ORDER BY version DESC LIMIT 1;
