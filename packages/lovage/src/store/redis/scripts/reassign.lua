#!lua flags=allow-oom
-- Moves deliveries in flight from one epoch to another that is open, under its next numbers. What is not there is passed over.
-- They keep their places at limits (include/limits.lua).
-- KEYS  1 epoch that gives, 2 its flight, 3 epoch that takes, 4 its flight, 5 fleet (include/fleet.lua), 6 what the giver's deliveries
--       hold, 7 what the taker's do
-- ARGV  1 the epoch that gives, 2 the epoch that takes, 3 what our keys begin with, 4 ms a closed epoch is remembered, then each:
--       number, '1' and new envelope | '' and ''
-- Reply 'ok' | 'closed' (nothing was written)
-- Python  none of these keys.
-- include "record"
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
redis.call('HLEN', KEYS[6])
redis.call('HLEN', KEYS[7])
local from_state = redis.call('HGET', KEYS[1], 'state')
local to = redis.call('HMGET', KEYS[3], 'state', 'next')
if to[1] ~= 'open' then return 'closed' end
local number = tonumber(to[2])
local function move_places(from_number, to_number)
  local holds = redis.call('HGET', KEYS[6], from_number)
  if not holds then return end
  redis.call('HDEL', KEYS[6], from_number)
  for name in string.gmatch(holds, '[^\n]+') do
    local held = ARGV[3] .. 'limit:' .. name .. ':held'
    if redis.pcall('SREM', held, ARGV[1] .. ' ' .. from_number) == 1 then redis.call('SADD', held, ARGV[2] .. ' ' .. to_number) end
  end
  redis.call('HSET', KEYS[7], to_number, holds)
  redis.call('HSET', KEYS[3], 'holds', 1)
end
for i = 5, #ARGV, 3 do
  local record = redis.call('HGET', KEYS[2], ARGV[i])
  if record then
    if ARGV[i + 1] == '1' then
      local _, _, header = split_record(record)
      record = header .. ARGV[i + 2]
    end
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('HSET', KEYS[4], number, record)
    move_places(ARGV[i], number)
    number = number + 1
  end
end
redis.call('HSET', KEYS[3], 'next', number)
if from_state == 'closed' and redis.call('HLEN', KEYS[2]) == 0 then
  redis.call('HDEL', KEYS[5], 'o:' .. ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 'ok'
