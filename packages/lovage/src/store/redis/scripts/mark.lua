#!lua flags=allow-oom
-- What live deliveries write about themselves: acknowledged early, or a state that is not an end.
-- KEYS  1 epoch, 2 flight
-- ARGV  for each: delivery number, result key ('' = acknowledged early), document, expiry (ms or '')
-- Reply 'closed' | a letter each: o done, f fenced, r the result key holds another type
-- Python  celery-task-meta-* as SETEX + PUBLISH, never over an end state.
-- include "kinds"
-- include "record"
-- include "results"
redis.call('HLEN', KEYS[2])
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 'closed' end
local letters = {}
local function mark(at)
  local number, key = ARGV[at], ARGV[at + 1]
  if key == '' then
    local record = redis.call('HGET', KEYS[2], number)
    if not record then return 'f' end
    redis.call('HSET', KEYS[2], number, with_flags(record, bit.bor(flags_of(record), 1)))
    return 'o'
  end
  if redis.call('HEXISTS', KEYS[2], number) == 0 then return 'f' end
  kinds = {}
  if wrong_kind(key, 'string') then return 'r' end
  if kinds[key] == 'none' or not ends[stored_status(key)] then store_result(key, ARGV[at + 2], ARGV[at + 3]) end
  return 'o'
end
for at = 1, #ARGV, 4 do letters[#letters + 1] = mark(at) end
return table.concat(letters)
