#!lua flags=allow-oom
-- Closes a node with all its open epochs, if its counter still is what the caller saw.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua), 3 mark of the node's closing, 4 the node's open epochs
-- ARGV  1 node id, 2 counter or '', 3 and 4 what comes before an epoch in its key and in that of its flight,
--       5 ms a closed node and epoch are remembered, 6 the fleet's new version
-- Reply nil (the counter had moved) | the epochs it closed
-- Python  none of these keys.
-- include "closing"
redis.call('HLEN', KEYS[2])
local epochs = redis.call('SMEMBERS', KEYS[4])
table.sort(epochs)
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return {} end
-- A counter that was removed by hand reads as 0, as it does for those who look.
if ARGV[2] ~= '' and (redis.call('HGET', KEYS[2], 'n:' .. ARGV[1]) or '0') ~= ARGV[2] then return false end
for _, epoch in ipairs(epochs) do
  redis.call('HLEN', ARGV[3] .. epoch)
  redis.call('HLEN', ARGV[4] .. epoch)
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], 'n:' .. ARGV[1])
redis.call('DEL', KEYS[4])
redis.call('SET', KEYS[3], '', 'PX', ARGV[5])
redis.call('HSET', KEYS[2], 'v', ARGV[6])
for _, epoch in ipairs(epochs) do close_epoch(epoch, ARGV[3] .. epoch, ARGV[4] .. epoch, KEYS[2], ARGV[5]) end
return epochs
