-- Gives the space of expired rows back, a slice at a time. Reads never depend on it.

-- name: sweepResults
DELETE FROM results WHERE rev IN (SELECT rev FROM results WHERE expires <= :now LIMIT :limit) RETURNING rev;

-- name: sweepGroups
DELETE FROM saved_groups WHERE id IN (SELECT id FROM saved_groups WHERE expires <= :now LIMIT :limit) RETURNING id;

-- name: sweepChords
DELETE FROM chords WHERE id IN (SELECT id FROM chords WHERE expires <= :now LIMIT :limit) RETURNING id;

-- name: sweepDocuments
DELETE FROM documents WHERE key IN (SELECT key FROM documents WHERE expires <= :now LIMIT :limit) RETURNING key;

-- name: sweepLogs
DELETE FROM logs WHERE key IN (SELECT key FROM logs WHERE expires <= :now LIMIT :limit) RETURNING key;

-- name: sweepRevokes
DELETE FROM revokes WHERE expires <= :now RETURNING id;

-- name: sweepEpochs
DELETE FROM epochs WHERE closed_at < :before AND NOT EXISTS (SELECT 1 FROM messages WHERE place = 1 AND epoch = epochs.id) RETURNING id;

-- name: sweepNodes
DELETE FROM nodes WHERE closed_at < :before RETURNING id;
