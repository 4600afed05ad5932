-- Limits and unique keys.
-- limits: what each allows (`most`, or `interval` in ms and `burst`), `next`: when a rate's next token would be there if there were
-- no burst; `look`: when time alone makes room for its line. A message in a line is parked, until it expires if it does.

-- name: limitTables
CREATE TABLE limits (
  id INTEGER PRIMARY KEY, space TEXT NOT NULL, name TEXT NOT NULL, most INTEGER, interval REAL, burst INTEGER,
  next REAL NOT NULL DEFAULT 0, look INTEGER, UNIQUE (space, name)
);
CREATE INDEX limits_look ON limits (look) WHERE look IS NOT NULL;
CREATE TABLE limit_holds (message INTEGER NOT NULL, lim INTEGER NOT NULL, PRIMARY KEY (message, lim)) WITHOUT ROWID;
CREATE INDEX limit_holds_limit ON limit_holds (lim);
CREATE TABLE limit_line (message INTEGER PRIMARY KEY, lim INTEGER NOT NULL, place INTEGER NOT NULL, task TEXT NOT NULL);
CREATE INDEX limit_line_place ON limit_line (lim, place, message);
CREATE TABLE limit_calls (space TEXT NOT NULL, task TEXT NOT NULL, lim INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (space, task)) WITHOUT ROWID;
CREATE INDEX limit_calls_limit ON limit_calls (lim);
CREATE TABLE unique_keys (space TEXT NOT NULL, key TEXT NOT NULL, task TEXT NOT NULL, expires INTEGER, PRIMARY KEY (space, key)) WITHOUT ROWID;

-- name: declareLimit
INSERT INTO limits (space, name, most, interval, burst) VALUES (:space, :name, :most, :interval, :burst)
ON CONFLICT (space, name) DO UPDATE SET most = excluded.most, interval = excluded.interval, burst = excluded.burst
RETURNING id, name, most, interval, burst, next;

-- name: limitById
SELECT id, name, most, interval, burst, next FROM limits WHERE id = :id;

-- name: setNext
UPDATE limits SET next = :next WHERE id = :id;

-- name: setLook
UPDATE limits SET look = :look WHERE id = :id;

-- name: dropLimit
DELETE FROM limits WHERE id = :id;

-- name: dueLimits
SELECT id FROM limits WHERE look <= :now ORDER BY look LIMIT :limit;

-- name: nextLook
SELECT min(look) AS look FROM limits WHERE look IS NOT NULL;

-- name: countHolds
SELECT count(*) AS n FROM limit_holds WHERE lim = :id;

-- name: addHold
INSERT OR IGNORE INTO limit_holds (message, lim) VALUES (:message, :id);

-- name: markHolding
UPDATE messages SET why = 'holds' WHERE id = :message;

-- name: dropHolds
DELETE FROM limit_holds WHERE message = :message RETURNING lim;

-- name: lineHead
SELECT message, task FROM limit_line WHERE lim = :id ORDER BY place, message LIMIT 1;

-- name: anyInLine
SELECT 1 AS yes FROM limit_line WHERE lim = :id LIMIT 1;

-- name: joinLine
INSERT OR REPLACE INTO limit_line (message, lim, place, task) VALUES (:message, :id, :place, :task);

-- name: leaveLine
DELETE FROM limit_line WHERE message = :message;

-- name: inLine
SELECT m.id, m.queue, m.bucket, q.name FROM messages m JOIN queues q ON q.id = m.queue
WHERE m.id = :message AND m.place = 2 AND m.why IN ('rate', 'concurrency');

-- name: call
INSERT OR REPLACE INTO limit_calls (space, task, lim, until) VALUES (:space, :task, :id, :until);

-- name: takeCall
DELETE FROM limit_calls WHERE space = :space AND task = :task RETURNING lim, until;

-- name: dropLapsed
DELETE FROM limit_calls WHERE lim = :id AND until <= :now;

-- name: calls
SELECT count(*) AS n, min(until) AS first FROM limit_calls WHERE lim = :id;

-- name: uniqueHolder
SELECT task FROM unique_keys WHERE space = :space AND key = :key AND (expires IS NULL OR expires > :now);

-- name: anyInFlight
SELECT 1 AS yes FROM messages WHERE place = 1 AND instr(bytes, CAST(:named AS BLOB)) > 0 LIMIT 1;

-- name: claimUnique
INSERT OR REPLACE INTO unique_keys (space, key, task, expires) VALUES (:space, :key, :task, :expires);

-- name: freeUnique
DELETE FROM unique_keys WHERE space = :space AND key = :key AND task = :task;

-- name: anyUnique
SELECT 1 AS yes FROM unique_keys WHERE space = :space LIMIT 1;

-- name: queueBytes
SELECT bytes FROM messages WHERE place IN (0, 2) AND queue = :queue;

-- name: sweepUnique
DELETE FROM unique_keys WHERE expires <= :now;

-- name: sweepCalls
DELETE FROM limit_calls WHERE until <= :now;

-- name: sweepLimits
DELETE FROM limits WHERE next < :before AND look IS NULL
AND NOT EXISTS (SELECT 1 FROM limit_holds WHERE lim = limits.id) AND NOT EXISTS (SELECT 1 FROM limit_line WHERE lim = limits.id)
AND NOT EXISTS (SELECT 1 FROM limit_calls WHERE lim = limits.id);

-- name: lineOfTask
SELECT line.message, line.lim, line.place FROM limit_line line
JOIN limits l ON l.id = line.lim JOIN messages m ON m.id = line.message AND m.place = 2
WHERE l.space = :space AND line.task = :task LIMIT 1;

-- name: waitingInLine
SELECT m.bytes FROM limit_line line JOIN limits l ON l.id = line.lim JOIN messages m ON m.id = line.message AND m.place = 2
WHERE l.space = :space AND l.name = :name ORDER BY line.place, line.message LIMIT :limit;

-- name: countBefore
SELECT count(*) AS n FROM limit_line line JOIN messages m ON m.id = line.message AND m.place = 2
WHERE line.lim = :id AND (line.place, line.message) < (:place, :message);

-- name: placesHeld
SELECT e.name AS epoch, m.position AS number FROM limit_holds h
JOIN messages m ON m.id = h.message AND m.place = 1 JOIN epochs e ON e.id = m.epoch WHERE h.lim = :id;
