#!lua flags=allow-oom
-- The newest refusal of each key that has not expired.
-- KEYS  1 refusals in order of their versions, 2 version by key
-- ARGV  1 … keys
-- Reply { 'expires how key' or '', … }
-- Python  none of these keys.
-- include "clock"
redis.call('XLEN', KEYS[1])
redis.call('HLEN', KEYS[2])
local now = now_ms()
local standing = {}
for i = 1, #ARGV do
  local at = redis.call('HGET', KEYS[2], ARGV[i])
  local found = at and redis.call('XRANGE', KEYS[1], at, at) or {}
  local text = #found > 0 and found[1][2][2] or ''
  standing[i] = text ~= '' and tonumber(string.match(text, '^%d+')) > now and text or ''
end
return standing
