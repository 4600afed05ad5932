#!lua
-- Appends to a capped log and rings for those who follow it.
-- KEYS  1 log
-- ARGV  1 how many entries are kept, 2 expiry (ms or ''), 3 channel of the bell, 4 … entries
-- Reply the id of the last entry of the log, '' if it is empty
-- Python  none of these keys.
local id = ''
for i = 4, #ARGV do id = redis.call('XADD', KEYS[1], '*', 'd', ARGV[i]) end
redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[1])
if ARGV[2] == '' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
redis.call('PUBLISH', ARGV[3], '')
if id == '' then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  id = last and last[1] or ''
end
return id
