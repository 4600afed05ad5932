#!lua flags=allow-oom
-- Raises a node's counter and returns the fleet: the supervisor's one call every 2 s, so it is four commands; events go with it.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua)
-- ARGV  1 node id, 2 version of the descriptions that the caller has, then for each event its channel and envelope
-- Reply 'closed' | { fields of the fleet, nodes or nil, own counter, how many heard each event }
-- Python  none of these keys. The events are Celery's worker events (celery-wire.md §9).
-- include "fleet"
local reply = fleet(KEYS[1], KEYS[2], ARGV[2])
local count = redis.call('HINCRBY', KEYS[2], 'n:' .. ARGV[1], 1)
-- Closing takes both; where one was removed by hand, the node that is alive heals it. A wrong type says nothing.
local described = redis.pcall('HEXISTS', KEYS[1], ARGV[1])
if count == 1 and described ~= 1 then
  -- It was not there: an announced node's counter starts at 1.
  redis.call('HDEL', KEYS[2], 'n:' .. ARGV[1])
  return 'closed'
end
-- It sees that its own is missing, and announces itself again.
if described == 0 then reply[2] = redis.call('HGETALL', KEYS[1]) end
-- Who may not publish still lives: an ACL need not let it.
local heard = {}
for i = 3, #ARGV, 2 do
  local listeners = redis.pcall('PUBLISH', ARGV[i], ARGV[i + 1])
  heard[#heard + 1] = type(listeners) == 'number' and listeners or 0
end
return { reply[1], reply[2] or false, count, heard }
