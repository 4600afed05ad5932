#!lua flags=allow-oom
-- Removes the oldest dead letters: those beyond a number and those of a certain age, 1000 at a time.
-- KEYS  1 dead, 2 dead order, 3 counters
-- ARGV  1 how many may stay or '', 2 age (ms) or ''
-- Reply how many were removed | { code, message } (nothing was written)
-- Python  none of these keys.
-- include "clock"
-- include "dead"
local wrong = wrong_dead(KEYS[1], KEYS[2]) or wrong_kind(KEYS[3], 'hash')
if wrong then return wrong end
local removed, most = 0, 1000
local function remove(ids)
  for i = 1, #ids do
    if unbury(KEYS[1], KEYS[2], ids[i]) then removed = removed + 1 end
  end
end
if ARGV[1] ~= '' then
  local surplus = redis.call('ZCARD', KEYS[2]) - ARGV[1]
  if surplus > 0 then remove(redis.call('ZRANGE', KEYS[2], 0, math.min(surplus, most) - 1)) end
end
if ARGV[2] ~= '' then remove(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. (now_ms() - ARGV[2]), 'LIMIT', 0, most)) end
if removed > 0 then redis.call('HINCRBY', KEYS[3], 'dead-letters|DROPPED', removed) end
return removed
