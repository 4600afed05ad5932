#!lua flags=allow-oom
-- Announces a node, or replaces its announcement.
-- KEYS  1 nodes, 2 pulses, 3 mark of the node's closing, 4 fleet version
-- ARGV  1 node id, 2 its description, 3 the new fleet version: never used before, so that a store that lost its data is noticed
-- Reply 'ok' | 'closed'
-- Python  none of these keys.
redis.call('HLEN', KEYS[1])
redis.call('HLEN', KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 1 then return 'closed' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSETNX', KEYS[2], ARGV[1], 0)
redis.call('SET', KEYS[4], ARGV[3])
return 'ok'
