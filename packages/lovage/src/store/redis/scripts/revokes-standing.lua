#!lua flags=allow-oom
-- The newest refusal of each key that has not expired.
-- KEYS  1 refusals in order of their versions, 2 version by key
-- ARGV  1 … keys
-- Reply { 'expires how key' or '', … }
-- Python  none of these keys.
-- include "clock"
-- include "standing-revoke"
redis.call('XLEN', KEYS[1])
redis.call('HLEN', KEYS[2])
local now = now_ms()
local standing = {}
for i = 1, #ARGV do
  standing[i] = standing_revoke(KEYS[1], KEYS[2], ARGV[i], now)
end
return standing
