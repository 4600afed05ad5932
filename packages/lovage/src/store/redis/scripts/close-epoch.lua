#!lua flags=allow-oom
-- Closes an epoch and returns what it holds.
-- KEYS  1 epoch, 2 flight, 3 fleet (include/fleet.lua)
-- ARGV  1 epoch, 2 what comes before a node id in the key of its open epochs, 3 ms a closed epoch is remembered
-- Reply { number, record, … }
-- Python  none of these keys.
-- include "closing"
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[3])
local node = redis.call('HGET', KEYS[1], 'node')
if node then redis.call('SREM', ARGV[2] .. node, ARGV[1]) end
close_epoch(ARGV[1], KEYS[1], KEYS[2], KEYS[3], ARGV[3])
return redis.call('HGETALL', KEYS[2])
