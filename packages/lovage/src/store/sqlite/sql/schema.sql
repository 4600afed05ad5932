-- Times are milliseconds since 1970 by the clock of the process that writes; `expires` null: kept.

-- name: schema
CREATE TABLE lovage_format (number INTEGER NOT NULL);

CREATE TABLE queues (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- Every accepted message that is neither finished nor dead is one row here, in exactly one place:
-- 0 waiting (position: the smallest is the next one out of its queue and bucket), 1 in flight (position: delivery number of
-- its epoch), 2 parked (position: when it is due). `why`: why it is parked; in flight 'holds' says that it has places at limits
-- (limits.sql). `bytes` stands last, so that reading the rest never touches overflow pages.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  place INTEGER NOT NULL,
  queue INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  position INTEGER NOT NULL,
  epoch INTEGER,
  call INTEGER,
  acked_early INTEGER NOT NULL DEFAULT 0,
  why TEXT,
  bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX messages_waiting ON messages (queue, bucket, position) WHERE place = 0;
CREATE UNIQUE INDEX messages_in_flight ON messages (epoch, position) WHERE place = 1;
CREATE INDEX messages_parked ON messages (position) WHERE place = 2;

-- `rev` grows with every write, so that other processes find what is new with one look.
CREATE TABLE results (
  rev INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL,
  expires INTEGER,
  document TEXT NOT NULL
);
CREATE INDEX results_expires ON results (expires) WHERE expires IS NOT NULL;
CREATE TABLE saved_groups (id TEXT PRIMARY KEY, expires INTEGER, document TEXT NOT NULL);

-- Celery's `.s`, `.t` and the number of distinct members in `.j`; the members themselves stand in chord_parts.
CREATE TABLE chords (
  id TEXT PRIMARY KEY,
  size INTEGER,
  growth INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL DEFAULT 0,
  expires INTEGER
);
CREATE TABLE chord_parts (
  arrival INTEGER PRIMARY KEY,
  chord TEXT NOT NULL,
  identity TEXT NOT NULL,
  place INTEGER,
  member TEXT NOT NULL,
  UNIQUE (chord, identity)
);

-- An id is never used again: whoever says it twice means the same letter.
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  space TEXT NOT NULL,
  epoch TEXT NOT NULL,
  number INTEGER NOT NULL,
  queue TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  cause TEXT,
  attempts INTEGER,
  at INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE INDEX dead_letters_at ON dead_letters (space, at, id);

-- Closed nodes and epochs stay for a day, so that a late caller is told that it was closed.
CREATE TABLE nodes (
  space TEXT NOT NULL,
  id TEXT NOT NULL,
  count INTEGER NOT NULL DEFAULT 0,
  closed_at INTEGER,
  info TEXT NOT NULL,
  PRIMARY KEY (space, id)
);
CREATE TABLE epochs (
  id INTEGER PRIMARY KEY,
  space TEXT NOT NULL,
  name TEXT NOT NULL,
  node TEXT NOT NULL,
  closed_at INTEGER,
  last_call INTEGER NOT NULL DEFAULT -1,
  last_number INTEGER NOT NULL DEFAULT 0,
  UNIQUE (space, name)
);

CREATE TABLE revokes (
  id INTEGER PRIMARY KEY,
  space TEXT NOT NULL,
  version INTEGER NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  terminate INTEGER NOT NULL,
  kill_after_ms INTEGER,
  signal TEXT,
  expires INTEGER NOT NULL
);
CREATE INDEX revokes_version ON revokes (space, version);
CREATE INDEX revokes_value ON revokes (space, value);
CREATE TABLE sequences (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (space TEXT NOT NULL, field TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (space, field)) WITHOUT ROWID;

CREATE TABLE documents (key TEXT PRIMARY KEY, version INTEGER NOT NULL, expires INTEGER, value BLOB NOT NULL);
CREATE INDEX documents_expires ON documents (expires) WHERE expires IS NOT NULL;
CREATE TABLE tallies (key TEXT NOT NULL, field TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (key, field)) WITHOUT ROWID;
CREATE TABLE logs (key TEXT PRIMARY KEY, expires INTEGER);
CREATE TABLE log_entries (id INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX log_entries_log ON log_entries (log);

-- The bus between processes: short-lived, pruned by age and number.
CREATE TABLE bus (id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL);
