#!lua flags=allow-oom
-- Closes a node with all its open epochs, if its counter still is what the caller saw.
-- KEYS  1 nodes, 2 pulses, 3 mark of the node's closing, 4 fleet version, 5 the node's open epochs, 6 orphans
-- ARGV  1 node id, 2 counter or '', 3 and 4 what comes before an epoch in its key and in that of its flight,
--       5 ms a closed node and epoch are remembered, 6 the new fleet version
-- Reply nil (the counter had moved) | the epochs it closed
-- Python  none of these keys.
-- include "closing"
redis.call('SCARD', KEYS[6])
local epochs = redis.call('SMEMBERS', KEYS[5])
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return {} end
if ARGV[2] ~= '' and redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return false end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[5])
redis.call('SET', KEYS[3], '', 'PX', ARGV[5])
redis.call('SET', KEYS[4], ARGV[6])
for _, epoch in ipairs(epochs) do close_epoch(epoch, ARGV[3] .. epoch, ARGV[4] .. epoch, KEYS[6], ARGV[5]) end
return epochs
