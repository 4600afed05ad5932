#!lua flags=allow-oom
-- Moves parked messages that are due to the front of their lists; what was due first is the next one out. A message whose list
-- key holds something else waits another minute, so that it does not stand in the way of others. A limit whose time has come
-- calls back those who wait for it (include/limits.lua).
-- KEYS  1 parked due, 2 parked
-- ARGV  1 how many at most
-- Reply { promoted, next due (ms) or nil, now (ms), { fault, … } }
-- Python  RPUSHes kombu's lists, as a restore does (celery-wire.md §4.2).
-- include "limits"
local now = now_ms()
redis.call('HLEN', KEYS[2])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local promoted, faults = 0, {}
local env = { root = string.sub(KEYS[2], 1, -1 - #'parked'), parked = KEYS[2], due = KEYS[1], now = now }
local function move_limit(name)
  redis.call('ZREM', KEYS[1], 'limit:' .. name)
  local done, moved = pcall(move_line, env, name)
  if done then
    promoted = promoted + moved
  else
    faults[#faults + 1] = type(moved) == 'table' and moved.err or tostring(moved)
    redis.call('ZADD', KEYS[1], now + 60000, 'limit:' .. name)
  end
end
local function move_message(id)
  local record = redis.call('HGET', KEYS[2], id)
  local key, envelope
  if record then key, envelope = split_record(record) end
  local wrong = key and wrong_kind(key, 'list')
  if wrong then
    faults[#faults + 1] = wrong[2]
    redis.call('ZADD', KEYS[1], now + 60000, id)
  else
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
    if key then
      redis.call('RPUSH', key, envelope)
      promoted = promoted + 1
    end
  end
end
for i = #ids, 1, -1 do
  local limit = string.match(ids[i], '^limit:(.*)$')
  if limit then move_limit(limit) else move_message(ids[i]) end
end
local next_due = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return { promoted, next_due or false, now, faults }
