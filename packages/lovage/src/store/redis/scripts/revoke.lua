#!lua flags=allow-oom
-- Adds refusals, each under a version of its own, and announces the last. One that stops nothing (how is -) does not take back
-- how its key stood.
-- KEYS  1 version, 2 refusals in order of their versions, 3 version by key
-- ARGV  1 ms they are kept, 2 bus channel, 3 … two each: how (one word), key
-- Reply the new version
-- Python  none of these keys.
-- include "clock"
-- include "revokes"
-- include "standing-revoke"
redis.call('XLEN', KEYS[2])
redis.call('HLEN', KEYS[3])
local now = now_ms()
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
-- A version that was lost must not make the stream refuse what comes.
if #last > 0 then
  version = math.max(version, tonumber(string.match(last[1][1], '^%d+')))
end
local until_ms = string.format('%.0f', now + ARGV[1])
for i = 3, #ARGV, 2 do
  version = version + 1
  local at = string.format('%.0f', version)
  local how = ARGV[i]
  if how == '-' then
    how = string.match(standing_revoke(KEYS[2], KEYS[3], ARGV[i + 1], now), '^%d+ (%S+)') or how
  end
  redis.call('XADD', KEYS[2], at .. '-0', 'r', until_ms .. ' ' .. how .. ' ' .. ARGV[i + 1])
  redis.call('HSET', KEYS[3], ARGV[i + 1], at)
end
local text = string.format('%.0f', version)
redis.call('SET', KEYS[1], text)
for i = 2, 3 do
  redis.call('PEXPIREAT', KEYS[i], until_ms, 'NX')
  redis.call('PEXPIREAT', KEYS[i], until_ms, 'GT')
end
drop_expired(KEYS[2], KEYS[3], now)
redis.call('PUBLISH', ARGV[2], text)
return version
