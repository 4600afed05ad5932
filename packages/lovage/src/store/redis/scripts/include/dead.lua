-- include "kinds"
-- include "parking"
-- Dead letters: a hash id -> 4 bytes of length, a JSON description, the record; a sorted set of ids by time; and how many there
-- are, by `reason|queue`, under the hash's key with ":counts". Ids are those of parking.lua.
local function split_letter(letter)
  local length = struct.unpack('>I4', letter)
  return string.sub(letter, 5, 4 + length), string.sub(letter, 5 + length)
end
local function queue_of(record)
  local _, _, _, prefix, length, _, at = struct.unpack('>BBBHHH', record)
  return string.sub(record, at + prefix, at + prefix + length - 1)
end
local function counted_as(description, record)
  local ok, said = pcall(cjson.decode, description)
  return (ok and type(said) == 'table' and tostring(said.reason or 'unknown') or 'unknown') .. '|' .. queue_of(record)
end
local function wrong_dead(dead_key, order_key, sequence_key)
  local wrong = wrong_kind(dead_key, 'hash') or wrong_kind(order_key, 'zset') or wrong_kind(dead_key .. ':counts', 'hash')
  return wrong or (sequence_key and wrong_kind(sequence_key, 'string'))
end
local function bury(dead_key, order_key, sequence_key, at, description, record)
  local id = next_id(sequence_key, dead_key)
  redis.call('HSET', dead_key, id, struct.pack('>I4', #description) .. description .. record)
  redis.call('ZADD', order_key, at, id)
  redis.call('HINCRBY', dead_key .. ':counts', counted_as(description, record), 1)
end
-- Whether it was there.
local function unbury(dead_key, order_key, id)
  local letter = redis.call('HGET', dead_key, id)
  redis.call('ZREM', order_key, id)
  if not letter then return false end
  redis.call('HDEL', dead_key, id)
  local field = counted_as(split_letter(letter))
  if redis.call('HINCRBY', dead_key .. ':counts', field, -1) <= 0 then redis.call('HDEL', dead_key .. ':counts', field) end
  return true
end
