-- A new row each time, so that `rev` grows. Never over a living SUCCESS.
-- name: storeResult
INSERT OR REPLACE INTO results (id, state, expires, document)
SELECT :id, :state, :expires, :document
WHERE NOT EXISTS (SELECT 1 FROM results WHERE id = :id AND state = 'SUCCESS' AND (expires IS NULL OR expires > :now));

-- The state of a running task: gives way to any end state.
-- name: storeState
INSERT OR REPLACE INTO results (id, state, expires, document)
SELECT :id, :state, :expires, :document
WHERE NOT EXISTS (
  SELECT 1 FROM results WHERE id = :id AND state IN ('SUCCESS', 'FAILURE', 'REVOKED') AND (expires IS NULL OR expires > :now)
);

-- name: loadResult
SELECT rev, document FROM results WHERE id = :id AND (expires IS NULL OR expires > :now);

-- name: forgetResult
DELETE FROM results WHERE id = :id;

-- An end that is to be undone.
-- name: forgetEnd
DELETE FROM results WHERE id = :id AND state <> 'SUCCESS';

-- name: lastResult
SELECT coalesce(max(rev), 0) AS last FROM results;

-- name: newResults
SELECT rev, id FROM results WHERE rev > :after ORDER BY rev LIMIT :limit;

-- name: saveGroup
INSERT OR REPLACE INTO saved_groups (id, expires, document) VALUES (:id, :expires, :document);

-- name: loadGroup
SELECT document FROM saved_groups WHERE id = :id AND (expires IS NULL OR expires > :now);

-- name: forgetGroup
DELETE FROM saved_groups WHERE id = :id;

-- name: chord
SELECT size, growth, count FROM chords WHERE id = :id AND (expires IS NULL OR expires > :now);

-- name: chordHas
SELECT 1 AS yes FROM chord_parts WHERE chord = :id AND identity = :identity;

-- name: chordParts
SELECT place AS "index", member FROM chord_parts WHERE chord = :id ORDER BY arrival;

-- name: sizeChord
INSERT INTO chords (id, size, expires) VALUES (:id, :size, :expires)
ON CONFLICT (id) DO UPDATE SET size = excluded.size, expires = excluded.expires;

-- name: addPart
INSERT INTO chord_parts (chord, identity, place, member) VALUES (:id, :identity, :index, :member)
ON CONFLICT (chord, identity) DO NOTHING RETURNING arrival;

-- name: dropPart
DELETE FROM chord_parts WHERE chord = :id AND identity = :identity;

-- name: uncountPart
UPDATE chords SET count = count - 1 WHERE id = :id;

-- Without an expiry of its own a part leaves the chord's as it is.
-- name: countPart
INSERT INTO chords (id, count, growth, expires) VALUES (:id, :added, :growth, :expires)
ON CONFLICT (id) DO UPDATE SET count = count + excluded.count, growth = growth + excluded.growth, expires = coalesce(excluded.expires, expires);

-- name: dropChord
DELETE FROM chords WHERE id = :id;

-- name: dropChordParts
DELETE FROM chord_parts WHERE chord = :id;

-- name: addCount
INSERT INTO counters (space, field, value) VALUES (:space, :field, :by) ON CONFLICT (space, field) DO UPDATE SET value = value + excluded.value;

-- name: counters
SELECT field, value FROM counters WHERE space = :space;
