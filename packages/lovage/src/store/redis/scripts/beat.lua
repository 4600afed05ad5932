#!lua flags=allow-oom
-- Raises a node's counter and returns the fleet: the supervisor's one call every 2 s, so it is four commands.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua)
-- ARGV  1 node id, 2 version of the descriptions that the caller has
-- Reply 'closed' | { fields of the fleet, nodes or nil, own counter }
-- Python  none of these keys.
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
reply[3] = count
-- It sees that its own is missing, and announces itself again.
if described == 0 then reply[2] = redis.call('HGETALL', KEYS[1]) end
if not reply[2] then return { reply[1], false, count } end
return reply
