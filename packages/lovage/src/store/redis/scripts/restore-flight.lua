#!lua flags=allow-oom
-- Puts deliveries back in flight that a runner runs, and whose records somebody removed by hand. A number that was never given
-- out belongs to a store that is older than it was: there the message stands in its queue again.
-- KEYS  1 epoch, 2 flight
-- ARGV  for each: delivery number, record
-- Reply 'closed' | the numbers that are in flight now
-- Python  none of these keys.
redis.call('HLEN', KEYS[2])
local epoch = redis.call('HMGET', KEYS[1], 'state', 'next')
if epoch[1] ~= 'open' then return 'closed' end
local restored = {}
for at = 1, #ARGV, 2 do
  if tonumber(ARGV[at]) < tonumber(epoch[2]) then
    redis.call('HSETNX', KEYS[2], ARGV[at], ARGV[at + 1])
    restored[#restored + 1] = tonumber(ARGV[at])
  end
end
return restored
