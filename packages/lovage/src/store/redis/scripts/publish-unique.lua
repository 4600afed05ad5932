#!lua
-- Publishes messages of which some have a unique key: one whose key another task has is left out, unless that one is refused and in no
-- runner. At most once per call id.
-- KEYS  1 call, 2 parked, 3 parked due, 4 sequence
-- ARGV  1 how long the call id is remembered (ms), 2 what our keys begin with, 3 how many bindings, then key and member each, then
--       each message: task id, unique key or '', how long it is kept at most (ms) or '', list, envelope, park (ms) or '', header
-- Reply { '' | the id of the task that has the key, … } | { code, message } in a list of its own (nothing was written)
-- Python  LPUSHes kombu's lists, adds to `_kombu.binding.*`.
-- include "clock"
-- include "kinds"
-- include "parking"
-- include "standing-revoke"
-- include "claim"
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
-- Anything in flight that names it counts, its children too: nobody may start beside a run that is not over.
local function may_run(task)
  if not string.find(task, '^[%w_.:-]+$') then return true end
  local epochs = {}
  for _, node in ipairs(redis.call('HKEYS', root .. 'nodes')) do
    for _, epoch in ipairs(redis.call('SMEMBERS', root .. 'node:epochs:' .. node)) do epochs[#epochs + 1] = epoch end
  end
  for _, field in ipairs(redis.call('HKEYS', root .. 'fleet')) do
    local orphan = string.match(field, '^o:(.*)$')
    if orphan then epochs[#epochs + 1] = orphan end
  end
  for _, epoch in ipairs(epochs) do
    for _, record in ipairs(redis.call('HVALS', root .. 'flight:' .. epoch)) do
      if string.find(record, '"' .. task .. '"', 1, true) then return true end
    end
  end
  return false
end
-- Whether it will never start, and does not run.
local function is_over(task)
  local entries, places, now = root .. 'revokes', root .. 'revokes:places', now_ms()
  local refusal = standing_revoke(entries, places, 'i' .. task, now) .. standing_revoke(entries, places, 'r' .. task, now)
  return refusal ~= '' and not may_run(task)
end
-- '' where the message may go, now that its task has the key.
local function claim(task, key, for_ms)
  if key == '' then return '' end
  local holder = redis.call('GET', root .. 'unique:' .. key)
  if holder and holder ~= task then
    -- Where that cannot be read (a key of a wrong type), the holder counts.
    local read, over = pcall(is_over, holder)
    if not (read and over) then return holder end
  end
  claim_unique(root .. 'unique:' .. key, root .. 'unique', task, for_ms)
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
