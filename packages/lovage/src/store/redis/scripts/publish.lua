#!lua
-- Publishes messages, all or none, at most once per call id. Refused by Redis itself when memory is full (no allow-oom).
-- KEYS  1 call, 2 parked, 3 parked due, 4 sequence, 5 runners on standby, 6 revokes version, 7 … calls that will not be repeated
-- ARGV  1 how long the call id is remembered (ms), 2 … what is sent (include/sending.lua)
-- Reply 'sent' | 'known' (this call was made before) | { code, message } (nothing was written)
-- Python  LPUSHed lists, `_kombu.binding.*` sets and `celery-taskset-meta-*` keys are kombu's and Celery's own.

if KEYS[7] then redis.call('DEL', unpack(KEYS, 7)) end

-- A single message for a list that is empty goes straight to a runner on standby, which hears of it and holds it in flight in
-- the same step: no list is touched, no other runner is woken. A runner that nobody can tell is not on standby.
local function hand_over(list, envelope)
  local ready = redis.pcall('HGET', KEYS[5], list)
  if type(ready) ~= 'string' then return false end
  local epoch_key, flight_key, header = string.match(ready, '^([^\n]*)\n([^\n]*)\n(.*)$')
  local epoch = redis.pcall('HMGET', epoch_key, 'state', 'next', 'standby')
  local version = redis.pcall('GET', KEYS[6]) or '0'
  local sound = type(version) == 'string' and type(redis.pcall('HLEN', flight_key)) == 'number'
  if sound and epoch[1] == 'open' and epoch[3] == '1' then
    local time = redis.call('TIME')
    local facts = table.concat({ epoch[2], time[1] * 1000 + math.floor(time[2] / 1000), version }, ' ')
    if redis.call('PUBLISH', epoch_key, facts .. '\n' .. header .. envelope) > 0 then
      redis.call('HSET', flight_key, epoch[2], header .. envelope)
      redis.call('HSET', epoch_key, 'next', epoch[2] + 1, 'standby', 0)
      return true
    end
  end
  redis.call('HDEL', KEYS[5], list)
  return false
end

-- The common case first, before Lua makes a closure of each function below (half of what a short call costs): messages for one
-- list, no bindings, no chords, nothing parked.
if ARGV[2] == '0' and ARGV[3] == '0' and ARGV[4] == '1' and ARGV[#ARGV] == '0' then
  local kind = redis.call('TYPE', ARGV[5]).ok
  if kind == 'list' or kind == 'none' then
    if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 'known' end
    if kind == 'none' and ARGV[6] == '1' and hand_over(ARGV[5], ARGV[7]) then return 'sent' end
    for from = 7, #ARGV - 1, 1000 do redis.call('LPUSH', ARGV[5], unpack(ARGV, from, math.min(from + 999, #ARGV - 1))) end
    return 'sent'
  end
end

-- include "clock"
-- include "sending"
local sending = read_sending(2)
local wrong = wrong_sending(sending, KEYS[2], KEYS[3], KEYS[4])
if wrong then return wrong end
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 'known' end
send_all(sending, ARGV[sending.parked] == '0' and 0 or now_ms(), KEYS[2], KEYS[3], KEYS[4])
return 'sent'
