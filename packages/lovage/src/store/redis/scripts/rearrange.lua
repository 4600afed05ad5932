#!lua flags=allow-oom
-- Moves messages to the back of other lists, or removes them; each is meant by its bytes. Once per call id. Runs when memory is
-- full: a move removes first, and what it puts elsewhere is as large.
-- KEYS  1 call, 2 parked, 3 parked due
-- ARGV  1 how long the call id is remembered (ms), 2 '1': unique keys have been, then for each message: its list; how far from the next
--       one out it is looked for, or # and its parked id; its bytes; the list it goes to, or the header of its parked record; its
--       bytes there; that queue's binding key and member. No binding key: it goes nowhere
-- Reply a letter each: m moved or removed, g gone | { code, message } (nothing was done)
-- Python  kombu's lists and bindings: RPOP's end is the next one out, LPUSH's the back.
-- include "giving-up"
-- include "record"
local made = kind_of(KEYS[1]) == 'string' and redis.call('GET', KEYS[1])
if made then return made end
local root = string.sub(KEYS[2], 1, -1 - #'parked')
local function parked_id(at) return string.match(ARGV[at + 1], '^#(.*)$') end
-- Not by the list's name: a queue may have an empty one.
local function target(at) return ARGV[at + 5] ~= '' and ARGV[at + 3] or nil end
local wrong = wrong_kind(KEYS[1], 'string') or wrong_kind(KEYS[2], 'hash') or wrong_kind(KEYS[3], 'zset')
for at = 3, #ARGV, 7 do
  local lists = parked_id(at) and {} or { ARGV[at], target(at) }
  for _, list in ipairs(lists) do wrong = wrong or wrong_kind(list, 'list') end
  wrong = wrong or (ARGV[at + 5] ~= '' and wrong_kind(ARGV[at + 5], 'set')) or nil
end
if wrong then return wrong end

local function take_waiting(at)
  local list, bytes = ARGV[at], ARGV[at + 2]
  if not redis.call('LPOS', list, bytes, 'RANK', -1, 'MAXLEN', ARGV[at + 1]) then return false end
  redis.call('LREM', list, -1, bytes)
  if target(at) then redis.call('LPUSH', target(at), ARGV[at + 4]) end
  return true
end
local function take_parked(at, id)
  local record = redis.call('HGET', KEYS[2], id)
  if not record then return false end
  local list, envelope = split_record(record)
  if list ~= ARGV[at] or envelope ~= ARGV[at + 2] then return false end
  if target(at) then
    redis.call('HSET', KEYS[2], id, target(at) .. ARGV[at + 4])
  else
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
  end
  return true
end
local letters = {}
for at = 3, #ARGV, 7 do
  local id = parked_id(at)
  local taken
  if id then taken = take_parked(at, id) else taken = take_waiting(at) end
  if taken and not target(at) and ARGV[2] == '1' then give_up(root, ARGV[at + 2]) end
  if taken and target(at) then redis.call('SADD', ARGV[at + 5], ARGV[at + 6]) end
  letters[#letters + 1] = taken and 'm' or 'g'
end
local said = table.concat(letters)
redis.call('SET', KEYS[1], said, 'PX', ARGV[1])
return said
