#!lua flags=no-writes
-- Counts records by their headers, page by page, so that no envelope travels.
-- KEYS  1 parked, or what is in flight of one epoch
-- ARGV  1 cursor, 2 how many at a time
-- Reply { next cursor, { header, count, … } }
-- Python  nothing of kombu's.
-- include "record"
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local counts, order = {}, {}
for i = 2, #page[2], 2 do
  local _, _, header = split_record(page[2][i])
  if not counts[header] then
    counts[header] = 0
    order[#order + 1] = header
  end
  counts[header] = counts[header] + 1
end
local reply = {}
for i, header in ipairs(order) do
  reply[2 * i - 1] = header
  reply[2 * i] = counts[header]
end
return { page[1], reply }
