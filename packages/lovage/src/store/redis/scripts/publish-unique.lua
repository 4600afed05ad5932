#!lua
-- Publishes messages of which some have a unique key: one whose key another task has is left out. At most once per call id.
-- KEYS  1 call, 2 parked, 3 parked due, 4 sequence
-- ARGV  1 how long the call id is remembered (ms), 2 what our keys begin with, 3 how many bindings, then key and member each, then
--       each message: task id, unique key or '', how long it is kept at most (ms) or '', list, envelope, park (ms) or '', header
-- Reply { '' | the id of the task that has the key, … } | { code, message } in a list of its own (nothing was written)
-- Python  LPUSHes kombu's lists, adds to `_kombu.binding.*`.
-- include "clock"
-- include "kinds"
-- include "parking"
local root, bindings = ARGV[2], tonumber(ARGV[3])
local first = 4 + 2 * bindings
local function check()
  for i = 4, first - 1, 2 do
    local wrong = wrong_kind(ARGV[i], 'set')
    if wrong then return wrong end
  end
  for i = first, #ARGV, 7 do
    local wrong = wrong_kind(ARGV[i + 3], 'list') or wrong_kind(root .. 'unique', 'string')
    if ARGV[i + 1] ~= '' then wrong = wrong or wrong_kind(root .. 'unique:' .. ARGV[i + 1], 'string') end
    if ARGV[i + 5] ~= '' then wrong = wrong or wrong_parking(KEYS[2], KEYS[3], KEYS[4]) end
    if wrong then return wrong end
  end
end
-- '' where the message may go, now that its task has the key.
local function claim(task, key, for_ms)
  if key == '' then return '' end
  local holder = redis.call('GET', root .. 'unique:' .. key)
  if holder and holder ~= task then return holder end
  if for_ms == '' then
    redis.call('SET', root .. 'unique:' .. key, task)
  else
    redis.call('SET', root .. 'unique:' .. key, task, 'PX', for_ms)
  end
  -- So that whoever purges knows that there may be some.
  redis.call('SET', root .. 'unique', '')
  return ''
end

local known = redis.call('GET', KEYS[1])
if known then
  local answers = {}
  for answer in string.gmatch(known, '([^\n]*)\n') do answers[#answers + 1] = answer end
  return answers
end
local wrong = check()
if wrong then return { wrong } end
for i = 4, first - 1, 2 do redis.call('SADD', ARGV[i], ARGV[i + 1]) end
local answers = {}
for i = first, #ARGV, 7 do
  local answer = claim(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  if answer == '' and ARGV[i + 5] == '' then
    redis.call('LPUSH', ARGV[i + 3], ARGV[i + 4])
  elseif answer == '' then
    park(KEYS[2], KEYS[3], KEYS[4], now_ms() + ARGV[i + 5], ARGV[i + 6] .. ARGV[i + 4])
  end
  answers[#answers + 1] = answer
end
redis.call('SET', KEYS[1], table.concat(answers, '\n') .. '\n', 'PX', ARGV[1])
return answers
