-- name: bury
INSERT INTO dead_letters (space, epoch, number, queue, bucket, reason, detail, cause, attempts, at, bytes)
SELECT :space, :epoch, :number, q.name, m.bucket, :reason, :detail, :cause, :attempts, :at, m.bytes
FROM messages m JOIN queues q ON q.id = m.queue WHERE m.id = :id;

-- name: addDead
INSERT INTO dead_letters (space, epoch, number, queue, bucket, reason, detail, cause, attempts, at, bytes)
VALUES (:space, :epoch, :number, :queue, :bucket, :reason, :detail, :cause, :attempts, :at, :bytes);

-- name: countDead
SELECT count(*) AS n FROM dead_letters WHERE space = :space;

-- name: countDeadBy
SELECT queue, reason, count(*) AS n FROM dead_letters WHERE space = :space GROUP BY queue, reason;

-- name: deadLetter
SELECT id, epoch, number, queue, bucket, reason, detail, cause, attempts, at, bytes FROM dead_letters WHERE space = :space AND id = :id;

-- name: pageOfDead
SELECT id, epoch, number, queue, bucket, reason, detail, cause, attempts, at, bytes FROM dead_letters
WHERE space = :space AND (at < :at OR (at = :at AND id < :id)) ORDER BY at DESC, id DESC LIMIT :limit;

-- name: unbury
DELETE FROM dead_letters WHERE space = :space AND id = :id;

-- name: trimDeadByAge
DELETE FROM dead_letters WHERE space = :space AND at < :before;

-- name: trimDeadByNumber
DELETE FROM dead_letters WHERE id IN (
  SELECT id FROM dead_letters WHERE space = :space ORDER BY at DESC, id DESC LIMIT -1 OFFSET :most
);
