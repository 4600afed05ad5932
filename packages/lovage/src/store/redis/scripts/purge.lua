#!lua flags=allow-oom
-- Empties lists and removes parked messages by id; tasks that go give their unique keys back.
-- KEYS  1 parked due, 2 parked, 3 … lists
-- ARGV  ids of parked messages
-- Reply how many messages were removed
-- Python  kombu's lists.
-- include "kinds"
-- include "unique"
local removed = 0
local root = string.sub(KEYS[2], 1, -1 - #'parked')
local any_unique = redis.call('EXISTS', root .. 'unique') == 1
-- Its key stands in the envelope, and so does the id of the task that has it.
local function give_up(envelope)
  for key in string.gmatch(envelope, '"unique":%s*{%s*"key":%s*"(%x+)"') do
    local task = kind_of(root .. 'unique:' .. key) == 'string' and redis.call('GET', root .. 'unique:' .. key)
    if task and string.find(envelope, '"' .. task .. '"', 1, true) then free_unique(root, key, task) end
  end
end
local function give_up_list(list)
  for from = 0, redis.call('LLEN', list) - 1, 1000 do
    for _, envelope in ipairs(redis.call('LRANGE', list, from, from + 999)) do give_up(envelope) end
  end
end
redis.call('ZCARD', KEYS[1])
redis.call('HLEN', KEYS[2])
for i = 3, #KEYS do
  if kind_of(KEYS[i]) == 'list' then
    removed = removed + redis.call('LLEN', KEYS[i])
    if any_unique then give_up_list(KEYS[i]) end
    redis.call('UNLINK', KEYS[i])
  end
end
for i = 1, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
  if any_unique then give_up(redis.call('HGET', KEYS[2], ARGV[i]) or '') end
  removed = removed + redis.call('HDEL', KEYS[2], ARGV[i])
end
return removed
