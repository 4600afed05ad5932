-- name: tables
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\';

-- name: format
SELECT number FROM lovage_format;

-- name: setFormat
INSERT INTO lovage_format VALUES (:number);

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- Changes when another connection, of this or any other process, has committed (4 µs a look).
-- name: dataVersion
PRAGMA data_version;

-- Afterwards the next writer starts the log from its beginning.
-- name: checkpoint
PRAGMA wal_checkpoint(RESTART);

-- name: checkpointPassive
PRAGMA wal_checkpoint(PASSIVE);

-- name: version
SELECT sqlite_version() AS version;

-- name: nextSequence
INSERT INTO sequences (name, value) VALUES (:name, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value;

-- name: sequence
SELECT value FROM sequences WHERE name = :name;
