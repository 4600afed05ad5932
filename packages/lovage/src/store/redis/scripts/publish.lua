#!lua
-- Publishes messages, all or none, at most once per call id. Refused by Redis itself when memory is full (no allow-oom).
-- KEYS  1 call, 2 parked, 3 parked due, 4 sequence
-- ARGV  1 how long the call id is remembered (ms), 2 … what is sent (include/sending.lua)
-- Reply 'sent' | 'known' (this call was made before) | { code, message } (nothing was written)
-- Python  LPUSHed lists, `_kombu.binding.*` sets and `celery-taskset-meta-*` keys are kombu's and Celery's own.
-- include "clock"
-- include "sending"
local sending = read_sending(2)
local wrong = wrong_kind(KEYS[1], 'string') or wrong_sending(sending, KEYS[2], KEYS[3], KEYS[4])
if wrong then return wrong end
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 'known' end
send_all(sending, now_ms(), KEYS[2], KEYS[3], KEYS[4])
return 'sent'
