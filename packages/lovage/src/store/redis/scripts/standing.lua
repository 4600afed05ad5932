#!lua flags=no-writes
-- Whether a runner is on standby, and is the one that stands for this list.
-- KEYS  1 epoch, 2 runners on standby
-- ARGV  1 list
-- Reply 1 | 0
-- Python  none of these keys.
if redis.call('HGET', KEYS[1], 'standby') ~= '1' then return 0 end
local who = redis.call('HGET', KEYS[2], ARGV[1]) or ''
return string.sub(who, 1, #KEYS[1] + 1) == KEYS[1] .. '\n' and 1 or 0
