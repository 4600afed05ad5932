#!lua flags=allow-oom
-- Raises a node's counter and returns the fleet: the supervisor's one call every 2 s, so it is three commands.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua)
-- ARGV  1 node id, 2 version of the descriptions that the caller has
-- Reply 'closed' | { fields of the fleet, nodes or nil, own counter }
-- Python  none of these keys.
-- include "fleet"
local reply = fleet(KEYS[1], KEYS[2], ARGV[2])
local count = redis.call('HINCRBY', KEYS[2], 'n:' .. ARGV[1], 1)
if count == 1 then
  -- It was not there: an announced node's counter starts at 1.
  redis.call('HDEL', KEYS[2], 'n:' .. ARGV[1])
  return 'closed'
end
reply[3] = count
if not reply[2] then return { reply[1], false, count } end
return reply
