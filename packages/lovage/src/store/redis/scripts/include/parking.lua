-- Parked messages: a sorted set of ids by due time (store's clock, ms) and a hash id -> record. Ids grow, so that messages due
-- at the same millisecond keep their order.
-- A sequence that was removed by hand begins anew: it passes over what is there already.
local function next_id(sequence_key, hash_key)
  local id = string.format('%016x', redis.call('INCR', sequence_key))
  while redis.call('HEXISTS', hash_key, id) == 1 do
    id = string.format('%016x', redis.call('INCRBY', sequence_key, redis.call('HLEN', hash_key)))
  end
  return id
end
local function wrong_parking(parked_key, due_key, sequence_key)
  return wrong_kind(parked_key, 'hash') or wrong_kind(due_key, 'zset') or wrong_kind(sequence_key, 'string')
end
local function park(parked_key, due_key, sequence_key, due_ms, record)
  local id = next_id(sequence_key, parked_key)
  redis.call('HSET', parked_key, id, record)
  redis.call('ZADD', due_key, due_ms, id)
end
