-- Pops from the buckets, priority by priority, in fair shares over the queues of one priority (kombu: celery-wire.md §4.1),
-- and records in flight, in one step. ARGV at `at`: call number, count, priorities, queues, the key of those on standby or '',
-- then per priority and queue the list key and the header of its records. The epoch remembers its last 16 calls: a repeated number pops nothing, and an older
-- one gets nothing.
-- Returns { 1, { number, record, … } } for a repeated call, else { 0, first number, { position in ARGV, how many, … }, { envelope, … }, { fault, … } }.
local function pop(key_at, count, faults)
  local popped = redis.pcall('RPOP', ARGV[key_at], count)
  if not popped then return {} end
  if popped.err then
    faults[#faults + 1] = popped.err .. ' (key "' .. ARGV[key_at] .. '")'
    return {}
  end
  return popped
end
local function repeated(flight_key, first, last)
  local again = {}
  for number = tonumber(first), tonumber(last) do
    local record = redis.call('HGET', flight_key, number)
    if record then
      again[#again + 1] = number
      again[#again + 1] = record
    end
  end
  return { 1, again }
end
-- Lists popped in one round become one line: a message of each in turn.
local function line_up(round, groups, envelopes)
  local longest = 0
  for _, popped in ipairs(round) do longest = math.max(longest, #popped) end
  for i = 1, longest do
    for _, popped in ipairs(round) do
      local envelope = popped[i]
      if envelope then
        envelopes[#envelopes + 1] = envelope
        if groups[#groups - 1] == popped.key_at then
          groups[#groups] = groups[#groups] + 1
        else
          groups[#groups + 1] = popped.key_at
          groups[#groups + 1] = 1
        end
      end
    end
  end
end
local function record_flight(flight_key, first, groups, envelopes)
  local fields, done = {}, 0
  for i = 1, #groups, 2 do
    local header = ARGV[groups[i] + 1]
    for j = done + 1, done + groups[i + 1] do
      fields[#fields + 1] = first + j - 1
      fields[#fields + 1] = header .. envelopes[j]
    end
    done = done + groups[i + 1]
  end
  for from = 1, #fields, 1000 do redis.call('HSET', flight_key, unpack(fields, from, math.min(from + 999, #fields))) end
end
-- The runner holds nothing and found nothing: `publish` hands it the next message of one of these lists at once.
local function stand_by(epoch_key, flight_key, at)
  local fields = {}
  for list_at = at + 5, at + 3 + 2 * ARGV[at + 3], 2 do
    fields[#fields + 1] = ARGV[list_at]
    fields[#fields + 1] = epoch_key .. '\n' .. flight_key .. '\n' .. ARGV[list_at + 1]
  end
  local reply = redis.pcall('HSET', ARGV[at + 4], unpack(fields))
  if type(reply) == 'number' then redis.call('HSET', epoch_key, 'standby', 1) end
end
local function reserve(epoch_key, flight_key, at)
  local number, count, priorities, queues = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local slot = 'call' .. number % 16
  local known = redis.call('HMGET', epoch_key, 'next', 'last', slot, 'standby')
  if number <= tonumber(known[2]) then
    local made, first, last = string.match(known[3] or '', '^(%d+) (%d+) (%d+)$')
    if tonumber(made) == number then return repeated(flight_key, first, last) end
    return { 1, {} }
  end
  local first, left = tonumber(known[1]), count
  local groups, envelopes, faults = {}, {}, {}
  for priority = 0, priorities - 1 do
    -- The first round gives each queue its share, further ones what others left; a queue that gave less than asked is empty.
    local base, taken, empty = at + 5 + priority * queues * 2, 1, {}
    while left > 0 and taken > 0 do
      local round = {}
      taken = 0
      for i = 0, queues - 1 do
        local which = (number + i) % queues
        if left > 0 and not empty[which] then
          local share = math.ceil(left / (queues - i))
          local popped = pop(base + which * 2, share, faults)
          popped.key_at = base + which * 2
          round[#round + 1] = popped
          if #popped < share then empty[which] = true end
          taken = taken + #popped
          left = left - #popped
        end
      end
      line_up(round, groups, envelopes)
    end
  end
  record_flight(flight_key, first, groups, envelopes)
  local upto = first + count - left
  redis.call('HSET', epoch_key, 'next', upto, 'last', number, slot, number .. ' ' .. first .. ' ' .. upto - 1)
  if ARGV[at + 4] ~= '' and left == count then
    stand_by(epoch_key, flight_key, at)
  elseif known[4] then
    redis.call('HDEL', epoch_key, 'standby')
  end
  return { 0, first, groups, envelopes, faults }
end
