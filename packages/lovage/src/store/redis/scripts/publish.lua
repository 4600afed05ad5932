#!lua
-- Publishes messages, all or none, at most once per call id. Refused by Redis itself when memory is full (no allow-oom).
-- KEYS  1 call, 2 parked, 3 parked due, 4 sequence
-- ARGV  1 how long the call id is remembered (ms), 2 … what is sent (include/sending.lua)
-- Reply 'sent' | 'known' (this call was made before) | { code, message } (nothing was written)
-- Python  LPUSHed lists, `_kombu.binding.*` sets and `celery-taskset-meta-*` keys are kombu's and Celery's own.

-- The common case first, before Lua makes a closure of each function below (half of what a short call costs): messages for one
-- list, no bindings, no chords, nothing parked.
if ARGV[2] == '0' and ARGV[3] == '0' and ARGV[4] == '1' and ARGV[#ARGV] == '0' then
  local kind = redis.call('TYPE', ARGV[5]).ok
  if kind == 'list' or kind == 'none' then
    if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 'known' end
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
