#!lua flags=allow-oom
-- Adds refusals under a new version and announces it.
-- KEYS  1 version, 2 refusals by version, 3 the same by expiry
-- ARGV  1 ms they are kept, 2 bus channel, 3 … refusals
-- Reply the new version
-- Python  none of these keys.
-- include "clock"
redis.call('ZCARD', KEYS[2])
redis.call('ZCARD', KEYS[3])
local version = redis.call('INCR', KEYS[1])
local untilMs = now_ms() + ARGV[1]
for i = 3, #ARGV do
  local member = version .. ' ' .. i .. ' ' .. ARGV[i]
  redis.call('ZADD', KEYS[2], version, member)
  redis.call('ZADD', KEYS[3], untilMs, member)
end
redis.call('PUBLISH', ARGV[2], version)
return version
