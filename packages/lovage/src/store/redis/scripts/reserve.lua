#!lua flags=allow-oom
-- Takes messages for a runner: pop and in-flight record in one step. Runs when memory is full, so that a full store can drain.
-- KEYS  1 epoch, 2 flight, 3 revokes version
-- ARGV  1 … the call (include/reserve.lua)
-- Reply 'closed' | { now (ms), revokes version, reserved }
-- Python  RPOPs kombu's lists; a popped message stands in no `unacked` of Python's, so that no visibility timeout re-runs it.
-- include "clock"
-- include "reserve"
redis.call('HLEN', KEYS[2])
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 'closed' end
local version = redis.call('GET', KEYS[3]) or '0'
return { now_ms(), tonumber(version), reserve(KEYS[1], KEYS[2], 1) }
