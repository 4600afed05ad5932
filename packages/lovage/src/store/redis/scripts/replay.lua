#!lua flags=allow-oom
-- Moves a dead letter back into a queue, once per call id; its first write removes it, so it runs when memory is full.
-- KEYS  1 call, 2 dead, 3 dead order, 4 parked, 5 parked due, 6 sequence
-- ARGV  1 how long the call id is remembered (ms), 2 id of the letter, 3 its task's result key or '', 4 key of the chord that it is a
--       member of or '', 5 our mark of that chord's end, 6 the member's score, 7 its task id, 8 '1' ordered chords,
--       9 unique key that its task is to take or '', 10 key that says that unique keys have been, 11 how long it is kept at most (ms)
--       or '', 12 id of the task that takes it, 13 … what goes to the queue (include/sending.lua)
-- Reply 'moved' | 'known' (this call was made before) | 'gone' (no such letter) | { 'held', id of the task that has the unique key } or
--       { code, message } (nothing was written)
-- Python  celery-task-meta-* is removed unless it says SUCCESS, so that its caller waits again; the member's FAILURE leaves `.j` while
--         members are missing there, so that its success counts; LPUSHed lists and bindings are kombu's own.
-- include "sending"
-- include "dead"
-- include "chord"
-- include "claim"
if redis.call('EXISTS', KEYS[1]) == 1 then return 'known' end
local wrong = wrong_dead(KEYS[2], KEYS[3]) or (ARGV[3] ~= '' and wrong_kind(ARGV[3], 'string'))
  or (ARGV[9] ~= '' and (wrong_kind(ARGV[9], 'string') or wrong_kind(ARGV[10], 'string')))
if wrong then return wrong end
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  redis.call('ZREM', KEYS[3], ARGV[2])
  return 'gone'
end
local sending = read_sending(13)
wrong = wrong_sending(sending, KEYS[4], KEYS[5], KEYS[6])
if wrong then return wrong end
local holder = ARGV[9] ~= '' and redis.call('GET', ARGV[9])
if holder and holder ~= ARGV[12] then return { 'held', holder } end

-- The recorded text of a member of a chord that still lacks others; nil: there is nothing to take back.
local function open_member(key, closed, ordered)
  local joined = key .. '.j'
  if kind_of(closed) ~= 'none' or kind_of(joined) ~= (ordered and 'zset' or 'list') then return end
  local size = kind_of(key .. '.s') == 'string' and tonumber(redis.call('GET', key .. '.s'))
  local extra = kind_of(key .. '.t') == 'string' and tonumber(redis.call('GET', key .. '.t')) or 0
  if size and redis.call(ordered and 'ZCARD' or 'LLEN', joined) >= size + extra then return end
  local texts = ordered and redis.call('ZRANGEBYSCORE', joined, ARGV[6], ARGV[6]) or redis.call('LRANGE', joined, 0, -1)
  for i = 1, #texts do
    if part_id(texts[i]) == ARGV[7] then return texts[i] end
  end
end
local ordered = ARGV[8] == '1'
local member = ARGV[4] ~= '' and open_member(ARGV[4], ARGV[5], ordered)

unbury(KEYS[2], KEYS[3], ARGV[2])
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
if ARGV[9] ~= '' then claim_unique(ARGV[9], ARGV[10], ARGV[12], ARGV[11]) end
if ARGV[3] ~= '' and kind_of(ARGV[3]) == 'string' and stored_status(ARGV[3]) ~= 'SUCCESS' then redis.call('DEL', ARGV[3]) end
if member then
  if ordered then
    redis.call('ZREM', ARGV[4] .. '.j', member)
  else
    redis.call('LREM', ARGV[4] .. '.j', 1, member)
  end
end
send_all(sending, 0, KEYS[4], KEYS[5], KEYS[6])
return 'moved'
