#!lua flags=allow-oom
-- Gives a limit another rate, also for those who stand in its line.
-- KEYS  1 parked due, 2 parked
-- ARGV  1 what our keys begin with, 2 name, 3 interval (ms), 4 burst, 5 '1' where that is no rate at all
-- Reply 'changed' | { code, message } (a key holds another type; nothing was done)
-- Python  none of these keys; a message that is called back is RPUSHed to kombu's list.
-- include "limits"
redis.call('HLEN', KEYS[2])
local env = { root = ARGV[1], parked = KEYS[2], due = KEYS[1], now = now_ms() }
local wrong = wrong_kind(KEYS[1], 'zset') or wrong_limit(env, ARGV[2])
if wrong then return wrong end
local limit = read_limit(env, ARGV[2])
redis.call('HSET', limit.key, 'interval', ARGV[3], 'burst', ARGV[4])
-- One may start at once, then at the new pace: nobody waits for the old rate's next token any more.
if limit.next > env.now then redis.call('HSET', limit.key, 'next', ARGV[5] == '1' and 0 or env.now) end
move_line(env, ARGV[2])
return 'changed'
