#!lua flags=no-writes
-- How many messages wait in each list.
-- KEYS  lists
-- Reply a number each; -1: it holds another type
-- Python  kombu's lists.
local depths = {}
for i = 1, #KEYS do
  local length = redis.pcall('LLEN', KEYS[i])
  depths[i] = type(length) == 'number' and length or -1
end
return depths
