-- Unique keys: `root .. 'unique:' .. key` holds the id of the task that has it.
local function free_unique(root, key, task)
  if redis.call('GET', root .. 'unique:' .. key) == task then redis.call('DEL', root .. 'unique:' .. key) end
end
