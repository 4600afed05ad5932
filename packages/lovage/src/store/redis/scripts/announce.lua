#!lua flags=allow-oom
-- Announces a node, or replaces its announcement.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua), 3 mark of the node's closing
-- ARGV  1 node id, 2 its description, 3 the fleet's new version: never used before, so that a store that lost its data is noticed
-- Reply 'ok' | 'closed'
-- Python  none of these keys.
redis.call('HLEN', KEYS[1])
redis.call('HLEN', KEYS[2])
if redis.call('EXISTS', KEYS[3]) == 1 then return 'closed' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSETNX', KEYS[2], 'n:' .. ARGV[1], 1)
redis.call('HSET', KEYS[2], 'v', ARGV[3])
return 'ok'
