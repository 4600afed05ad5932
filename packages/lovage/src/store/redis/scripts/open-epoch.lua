#!lua flags=allow-oom
-- Opens an epoch of a live node. A closed epoch never opens again.
-- KEYS  1 nodes, 2 epoch, 3 the node's open epochs
-- ARGV  1 node id, 2 epoch
-- Reply 'ok' | 'node-closed' | 'closed'
-- Python  none of these keys.
redis.call('SCARD', KEYS[3])
local epoch = redis.call('HMGET', KEYS[2], 'state', 'node')
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 'node-closed' end
if epoch[1] then return epoch[1] == 'open' and epoch[2] == ARGV[1] and 'ok' or 'closed' end
redis.call('HSET', KEYS[2], 'state', 'open', 'node', ARGV[1], 'next', 1, 'last', -1)
redis.call('SADD', KEYS[3], ARGV[2])
return 'ok'
