-- name: queueId
SELECT id FROM queues WHERE name = :name;

-- name: queueName
SELECT name FROM queues WHERE id = :id;

-- name: addQueue
INSERT INTO queues (name) VALUES (:name) RETURNING id;

-- name: queueNames
SELECT name FROM queues ORDER BY id;

-- name: addWaiting
INSERT INTO messages (place, queue, bucket, position, bytes)
VALUES (0, :queue, :bucket, coalesce((SELECT max(position) FROM messages WHERE place = 0 AND queue = :queue AND bucket = :bucket), 0) + 1, :bytes);

-- name: addParked
INSERT INTO messages (place, queue, bucket, position, why, bytes) VALUES (2, :queue, :bucket, :until, 'eta', :bytes);

-- Reads the index alone.
-- name: nextWaiting
SELECT id, bucket FROM messages WHERE place = 0 AND queue = :queue ORDER BY bucket, position LIMIT :limit;

-- name: nextWaitingLowest
SELECT id, bucket FROM messages WHERE place = 0 AND queue = :queue ORDER BY bucket DESC, position LIMIT :limit;

-- `ids`: a JSON array in the order of the deliveries. One statement for the batch costs half of one for each.
-- name: take
UPDATE messages SET place = 1, epoch = :epoch, call = :call, position = :first + chosen.key
FROM json_each(:ids) AS chosen WHERE messages.id = chosen.value RETURNING position, bytes;

-- name: heldByCall
SELECT m.position AS number, q.name AS queue, m.bucket, m.acked_early AS ackedEarly, m.bytes
FROM messages m JOIN queues q ON q.id = m.queue
WHERE m.place = 1 AND m.epoch = :epoch AND m.call = :call ORDER BY m.position;

-- name: held
SELECT m.position AS number, q.name AS queue, m.bucket, m.acked_early AS ackedEarly, m.bytes
FROM messages m JOIN queues q ON q.id = m.queue
WHERE m.place = 1 AND m.epoch = :epoch ORDER BY m.position;

-- name: findHeld
SELECT id, queue, bucket, why FROM messages WHERE place = 1 AND epoch = :epoch AND position = :number;

-- name: reassign
UPDATE messages SET epoch = :epoch, position = :position, call = NULL, bytes = coalesce(:bytes, bytes) WHERE id = :id;

-- name: ack
DELETE FROM messages WHERE place = 1 AND epoch = :epoch AND position = :number RETURNING id, why;

-- name: drop
DELETE FROM messages WHERE id = :id;

-- name: markEarly
UPDATE messages SET acked_early = 1 WHERE id = :id;

-- name: requeueBack
UPDATE messages SET place = 0, epoch = NULL, call = NULL, acked_early = 0, why = NULL, bytes = coalesce(:bytes, bytes),
  position = coalesce((SELECT max(position) FROM messages WHERE place = 0 AND queue = :queue AND bucket = :bucket), 0) + 1
WHERE id = :id;

-- name: requeueFront
UPDATE messages SET place = 0, epoch = NULL, call = NULL, acked_early = 0, why = NULL, bytes = coalesce(:bytes, bytes),
  position = coalesce((SELECT min(position) FROM messages WHERE place = 0 AND queue = :queue AND bucket = :bucket), 1) - 1
WHERE id = :id;

-- name: park
UPDATE messages SET place = 2, epoch = NULL, call = NULL, acked_early = 0, why = :why, position = :until, bytes = coalesce(:bytes, bytes)
WHERE id = :id;

-- name: nextDue
SELECT min(position) AS due FROM messages WHERE place = 2;

-- name: due
SELECT m.id, m.queue, m.bucket, q.name FROM messages m JOIN queues q ON q.id = m.queue
WHERE m.place = 2 AND m.position <= :now ORDER BY m.position, m.id LIMIT :limit;

-- name: depth
SELECT count(*) AS n FROM messages WHERE place = 0 AND queue = :queue;

-- name: anyWaiting
SELECT 1 AS yes FROM messages WHERE place = 0 AND queue = :queue LIMIT 1;

-- name: peek
SELECT bytes FROM messages WHERE place = 0 AND queue = :queue ORDER BY bucket, position LIMIT :limit;

-- name: purgeWaiting
DELETE FROM messages WHERE place = 0 AND queue = :queue;

-- name: scanMessages
SELECT m.id, m.place, m.bucket, m.position, m.why, e.name AS epoch, m.bytes, q.name
FROM messages m JOIN queues q ON q.id = m.queue LEFT JOIN epochs e ON e.id = m.epoch
WHERE m.id > :after ORDER BY m.id LIMIT :limit;

-- name: soonest
SELECT m.id, m.place, m.bucket, m.position, m.why, NULL AS epoch, m.bytes, q.name
FROM messages m JOIN queues q ON q.id = m.queue WHERE m.place = 2 ORDER BY m.position LIMIT :limit;

-- name: purgeParked
DELETE FROM messages WHERE place = 2 AND queue = :queue;

-- The places are found in the index; only those rows are read.
-- name: pageWaiting
SELECT m.bucket, m.bytes FROM (
  SELECT id FROM messages WHERE place = 0 AND queue = :queue ORDER BY bucket, position LIMIT :limit OFFSET :from
) AS page JOIN messages m ON m.id = page.id ORDER BY m.bucket, m.position;

-- name: census
SELECT queue, place, bucket, count(*) AS n FROM messages GROUP BY queue, place, bucket;

-- name: findWaiting
SELECT id FROM (
  SELECT id, bytes FROM messages WHERE place = 0 AND queue = :queue AND bucket = :bucket ORDER BY position LIMIT :within
) WHERE bytes = :bytes LIMIT 1;

-- name: findParked
SELECT id FROM messages WHERE id = :id AND place = 2 AND queue = :queue AND bytes = :bytes;

-- name: moveWaiting
UPDATE messages SET queue = :queue, bytes = :bytes,
  position = coalesce((SELECT max(position) FROM messages WHERE place = 0 AND queue = :queue AND bucket = :bucket), 0) + 1
WHERE id = :id;

-- name: moveParked
UPDATE messages SET queue = :queue, bytes = :bytes WHERE id = :id;
