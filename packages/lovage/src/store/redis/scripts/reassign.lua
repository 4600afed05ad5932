#!lua flags=allow-oom
-- Moves deliveries in flight from one epoch to another that is open, under its next numbers. What is not there is passed over.
-- KEYS  1 epoch that gives, 2 its flight, 3 epoch that takes, 4 its flight, 5 fleet (include/fleet.lua)
-- ARGV  1 the epoch that gives, 2 ms a closed epoch is remembered, then each: number, '1' and new envelope | '' and ''
-- Reply 'ok' | 'closed' (nothing was written)
-- Python  none of these keys.
-- include "record"
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
local from_state = redis.call('HGET', KEYS[1], 'state')
local to = redis.call('HMGET', KEYS[3], 'state', 'next')
if to[1] ~= 'open' then return 'closed' end
local number = tonumber(to[2])
for i = 3, #ARGV, 3 do
  local record = redis.call('HGET', KEYS[2], ARGV[i])
  if record then
    if ARGV[i + 1] == '1' then
      local _, _, header = split_record(record)
      record = header .. ARGV[i + 2]
    end
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('HSET', KEYS[4], number, record)
    number = number + 1
  end
end
redis.call('HSET', KEYS[3], 'next', number)
if from_state == 'closed' and redis.call('HLEN', KEYS[2]) == 0 then
  redis.call('HDEL', KEYS[5], 'o:' .. ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 'ok'
