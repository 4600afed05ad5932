#!lua flags=allow-oom
-- Refusals newer than a version, in their order; forgets some of those that have expired.
-- KEYS  1 version, 2 refusals in order of their versions, 3 version by key
-- ARGV  1 version that the caller has, 2 how many at most
-- Reply { version, version of the last one in this reply, now (ms), { 'expires how key', … } }
-- Python  none of these keys.
-- include "clock"
-- include "revokes"
redis.call('HLEN', KEYS[3])
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
local now = now_ms()
drop_expired(KEYS[2], KEYS[3], now)
local limit = tonumber(ARGV[2])
local found = limit > 0 and redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', limit) or {}
local entries = {}
for i = 1, #found do
  entries[i] = found[i][2][2]
end
local up_to = version
if limit == 0 then
  up_to = tonumber(ARGV[1])
elseif #found == limit then
  up_to = tonumber(string.match(found[#found][1], '^%d+'))
end
return { version, up_to, now, entries }
