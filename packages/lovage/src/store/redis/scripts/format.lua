#!lua flags=allow-oom
-- Which format our own keys have: written by the first who comes.
-- KEYS  1 format
-- ARGV  1 the caller's format
-- Reply the format that stands
-- Python  none of these keys.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
