#!lua flags=allow-oom
-- Raises a node's counter and returns the fleet: the supervisor's one call every 2 s.
-- KEYS  1 nodes, 2 pulses, 3 orphans, 4 fleet version
-- ARGV  1 node id, 2 version of the descriptions that the caller has
-- Reply 'closed' | { version, nodes or nil, pulses, orphans }
-- Python  none of these keys.
-- include "fleet"
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 'closed' end
redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
return fleet(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[2])
