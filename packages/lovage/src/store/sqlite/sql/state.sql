-- name: document
SELECT value, version FROM documents WHERE key = :key AND (expires IS NULL OR expires > :now);

-- name: writeDocument
INSERT OR REPLACE INTO documents (key, version, expires, value) VALUES (:key, :version, :expires, :value);

-- name: dropDocument
DELETE FROM documents WHERE key = :key;

-- name: keys
SELECT key FROM documents WHERE key > :after AND key >= :prefix AND key < :prefix || char(1114111) AND (expires IS NULL OR expires > :now)
UNION SELECT key FROM tallies WHERE key > :after AND key >= :prefix AND key < :prefix || char(1114111)
ORDER BY key LIMIT :limit;

-- name: addTally
INSERT INTO tallies (key, field, value) VALUES (:key, :field, :by) ON CONFLICT (key, field) DO UPDATE SET value = value + excluded.value;

-- name: tally
SELECT field, value FROM tallies WHERE key = :key;

-- name: dropTally
DELETE FROM tallies WHERE key = :key;

-- name: expiredLog
SELECT 1 AS yes FROM logs WHERE key = :log AND expires <= :now;

-- name: keepLog
INSERT OR REPLACE INTO logs (key, expires) VALUES (:log, :expires);

-- name: dropEntries
DELETE FROM log_entries WHERE log = :log;

-- name: appendEntry
INSERT INTO log_entries (log, data) VALUES (:log, :data) RETURNING id;

-- name: trimLog
DELETE FROM log_entries WHERE log = :log AND id <= (SELECT id FROM log_entries WHERE log = :log ORDER BY id DESC LIMIT 1 OFFSET :keep);

-- name: tailLog
SELECT e.id, e.data FROM log_entries e JOIN logs l ON l.key = e.log
WHERE e.log = :log AND (l.expires IS NULL OR l.expires > :now) ORDER BY e.id DESC LIMIT :limit;

-- name: hasEntry
SELECT 1 AS yes FROM log_entries WHERE log = :log AND id = :id;

-- name: followLog
SELECT e.id, e.data FROM log_entries e JOIN logs l ON l.key = e.log
WHERE e.log = :log AND e.id > :after AND (l.expires IS NULL OR l.expires > :now) ORDER BY e.id LIMIT :limit;

-- name: lastEntry
SELECT coalesce(max(id), 0) AS last FROM log_entries;

-- name: newEntries
SELECT id, log FROM log_entries WHERE id > :after ORDER BY id LIMIT :limit;

-- name: say
INSERT INTO bus (channel, at, data) VALUES (:channel, :at, :data) RETURNING id;

-- name: lastSaid
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'bus'), 0) AS last;

-- name: said
SELECT id, channel, data FROM bus WHERE id > :after ORDER BY id LIMIT :limit;

-- name: pruneBus
DELETE FROM bus WHERE id <= :before OR at < :olderThan;
