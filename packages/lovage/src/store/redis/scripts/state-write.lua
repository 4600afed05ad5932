#!lua
-- Writes small documents, each only if its version is what the caller saw. Versions are taken from the store's clock (µs), so
-- that a document that was deleted and made again is not taken for the old one. What a write counts is added with it.
-- KEYS  three per write: document, counters of the same name, counters that it adds to
-- ARGV  for each: version or '', expiry (ms or ''), '1' delete | '', value, how many fields it counts, then field and number of each
-- Reply 1 or 0 each | { { code, message } } (nothing was written)
-- Python  none of these keys.
local at = 1
for i = 1, #KEYS, 3 do
  redis.call('HLEN', KEYS[i])
  for f = at + 5, at + 3 + 2 * ARGV[at + 4], 2 do
    local stored = redis.call('HGET', KEYS[i + 2], ARGV[f])
    if stored and not string.match(stored, '^-?%d+$') then
      return { { 'LOVAGE_COUNTER_BROKEN', 'The counter "' .. ARGV[f] .. '" in "' .. KEYS[i + 2] .. '" is "' .. stored .. '", not a whole number.' } }
    end
  end
  at = at + 5 + 2 * ARGV[at + 4]
end
local replies = {}
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
at = 1
for i = 1, #KEYS, 3 do
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
    for f = at + 5, at + 3 + 2 * ARGV[at + 4], 2 do redis.call('HINCRBY', KEYS[i + 2], ARGV[f], ARGV[f + 1]) end
    replies[#replies + 1] = 1
  end
  at = at + 5 + 2 * ARGV[at + 4]
end
return replies
