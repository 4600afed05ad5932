#!lua flags=allow-oom
-- Empties lists and removes parked messages by id.
-- KEYS  1 parked due, 2 parked, 3 … lists
-- ARGV  ids of parked messages
-- Reply how many messages were removed
-- Python  kombu's lists.
-- include "kinds"
local removed = 0
redis.call('ZCARD', KEYS[1])
redis.call('HLEN', KEYS[2])
for i = 3, #KEYS do
  if kind_of(KEYS[i]) == 'list' then
    removed = removed + redis.call('LLEN', KEYS[i])
    redis.call('UNLINK', KEYS[i])
  end
end
for i = 1, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
  removed = removed + redis.call('HDEL', KEYS[2], ARGV[i])
end
return removed
