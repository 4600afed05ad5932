#!lua flags=allow-oom
-- Refusals newer than a version; forgets those that have expired.
-- KEYS  1 version, 2 refusals by version, 3 the same by expiry
-- ARGV  1 version that the caller has
-- Reply { version, { 'version index refusal', … } }
-- Python  none of these keys.
-- include "clock"
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('ZCARD', KEYS[2])
local expired = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_ms())
for i = 1, #expired do
  redis.call('ZREM', KEYS[3], expired[i])
  redis.call('ZREM', KEYS[2], expired[i])
end
return { version, redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf') }
