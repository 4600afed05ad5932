#!lua
-- Adds whole numbers to the fields of a counter document.
-- KEYS  1 counters
-- ARGV  field, number, …
-- Reply all fields and their numbers | { { code, message } } (nothing was written)
-- Python  none of these keys.
for i = 1, #ARGV, 2 do
  local stored = redis.call('HGET', KEYS[1], ARGV[i])
  if stored and not string.match(stored, '^-?%d+$') then
    return { { 'LOVAGE_COUNTER_BROKEN', 'The counter "' .. ARGV[i] .. '" in "' .. KEYS[1] .. '" is "' .. stored .. '", not a whole number.' } }
  end
end
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
return redis.call('HGETALL', KEYS[1])
