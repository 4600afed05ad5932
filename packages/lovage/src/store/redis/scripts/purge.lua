#!lua flags=allow-oom
-- Empties lists and removes parked messages by id; tasks that go give their unique keys back.
-- KEYS  1 parked due, 2 parked, 3 … lists
-- ARGV  ids of parked messages
-- Reply how many messages were removed
-- Python  kombu's lists.
-- include "giving-up"
local removed = 0
local root = string.sub(KEYS[2], 1, -1 - #'parked')
local any_unique = redis.call('EXISTS', root .. 'unique') == 1
local function give_up_list(list)
  for from = 0, redis.call('LLEN', list) - 1, 1000 do
    for _, envelope in ipairs(redis.call('LRANGE', list, from, from + 999)) do give_up(root, envelope) end
  end
end
redis.call('ZCARD', KEYS[1])
redis.call('HLEN', KEYS[2])
for i = 3, #KEYS do
  if kind_of(KEYS[i]) == 'list' then
    removed = removed + redis.call('LLEN', KEYS[i])
    if any_unique then give_up_list(KEYS[i]) end
    redis.call('UNLINK', KEYS[i])
  end
end
for i = 1, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
  if any_unique then give_up(root, redis.call('HGET', KEYS[2], ARGV[i]) or '') end
  removed = removed + redis.call('HDEL', KEYS[2], ARGV[i])
end
return removed
