#!lua flags=allow-oom
-- Parked messages without a due time (somebody removed it) get one: now. Who finds that too early parks them again. Those that
-- stand in line for a limit have none by right. One page of the hash each time.
-- KEYS  1 parked due, 2 parked
-- ARGV  1 cursor, '0' at first, 2 about how many in a page
-- Reply { next cursor ('0': that was all), how many it mended }
-- Python  none of these keys.
-- include "clock"
-- include "record"
local now, mended = now_ms(), 0
local page = redis.call('HSCAN', KEYS[2], ARGV[1], 'COUNT', ARGV[2])
redis.call('ZCARD', KEYS[1])
for i = 1, #page[2], 2 do
  local why = math.floor(flags_of(page[2][i + 1]) / 16)
  -- record.ts: 3 rate, 5 concurrency.
  if why ~= 3 and why ~= 5 then mended = mended + redis.call('ZADD', KEYS[1], 'NX', now, page[2][i]) end
end
return { page[1], mended }
