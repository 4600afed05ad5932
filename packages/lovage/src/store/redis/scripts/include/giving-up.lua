-- include "kinds"
-- include "unique"
-- A task that is removed unrun gives its unique key back: it stands in the envelope, and so does the id of the task that has it.
local function give_up(root, envelope)
  for key in string.gmatch(envelope, '"unique":%s*{%s*"key":%s*"(%x+)"') do
    local task = kind_of(root .. 'unique:' .. key) == 'string' and redis.call('GET', root .. 'unique:' .. key)
    if task and string.find(envelope, '"' .. task .. '"', 1, true) then free_unique(root, key, task) end
  end
end
