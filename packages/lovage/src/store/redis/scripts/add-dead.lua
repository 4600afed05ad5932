#!lua
-- Adds dead letters of an export, all or none, at most once per call id.
-- KEYS  1 call, 2 dead, 3 dead order, 4 sequence
-- ARGV  1 how long the call id is remembered (ms), then each: time (ms), description, record
-- Reply 'added' | 'known' (this call was made before) | { code, message } (nothing was written)
-- Python  none of these keys.
-- include "dead"
local wrong = wrong_dead(KEYS[2], KEYS[3], KEYS[4])
if wrong then return wrong end
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 'known' end
for i = 2, #ARGV, 3 do bury(KEYS[2], KEYS[3], KEYS[4], ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
return 'added'
