#!lua
-- Writes small documents, each only if its version is what the caller saw. Versions are taken from the store's clock (µs), so
-- that a document that was deleted and made again is not taken for the old one.
-- KEYS  two per write: document, counters of the same name
-- ARGV  for each: version or '', expiry (ms or ''), '1' delete | '', value
-- Reply 1 or 0 each
-- Python  none of these keys.
for i = 1, #KEYS, 2 do redis.call('HLEN', KEYS[i]) end
local replies = {}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 1, #KEYS, 2 do
  local at = (i - 1) * 2 + 1
  local version = tonumber(redis.call('HGET', KEYS[i], 'version') or '0')
  if ARGV[at] ~= '' and tonumber(ARGV[at]) ~= version then
    replies[#replies + 1] = 0
  else
    if ARGV[at + 2] == '1' then
      redis.call('DEL', KEYS[i], KEYS[i + 1])
    else
      redis.call('HSET', KEYS[i], 'version', string.format('%.0f', math.max(version + 1, now)), 'value', ARGV[at + 3])
      if ARGV[at + 1] == '' then
        redis.call('PERSIST', KEYS[i])
      else
        redis.call('PEXPIRE', KEYS[i], ARGV[at + 1])
      end
    end
    replies[#replies + 1] = 1
  end
end
return replies
