#!lua flags=allow-oom
-- Grants deliveries their places at limits, or parks them in the line of the first limit that has no room for them.
-- KEYS  1 epoch, 2 flight, 3 holds, 4 parked, 5 parked due, 6 sequence
-- ARGV  1 epoch, 2 what our keys begin with, then each ask: delivery number, task id, when it expires (ms) or '', the key that it
--       gives back or '', how many demands, then each: name, 'most' or 'interval', that number, burst or '', park flags
-- Reply 'closed' | { g granted, p parked, f fenced | { code, message } (a key holds another type; nothing was done), … }
-- Python  none of these keys; a message that is called back is RPUSHed to kombu's list.
-- include "limits"
-- include "unique"
redis.call('HLEN', KEYS[2])
redis.call('HLEN', KEYS[3])
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 'closed' end
local env = { root = ARGV[2], parked = KEYS[4], due = KEYS[5], sequence = KEYS[6], now = now_ms() }

local function read_ask(at)
  local ask = { number = ARGV[at], task = ARGV[at + 1], expires = ARGV[at + 2], frees = ARGV[at + 3], demands = {} }
  ask.holder = ARGV[1] .. ' ' .. ask.number
  for i = 1, tonumber(ARGV[at + 4]) do
    local from = at + 5 * i
    ask.demands[i] = { name = ARGV[from], kind = ARGV[from + 1], number = ARGV[from + 2], burst = ARGV[from + 3], flags = ARGV[from + 4] }
  end
  return ask, at + 5 + 5 * ARGV[at + 4]
end
local function wrong_ask(ask)
  local wrong = wrong_parking(env.parked, env.due, env.sequence) or wrong_kind(env.root .. 'called:' .. ask.task, 'string')
  for i = 1, #ask.demands do wrong = wrong or wrong_limit(env, ask.demands[i].name) end
  if ask.frees ~= '' then wrong = wrong or wrong_kind(env.root .. 'unique:' .. ask.frees, 'string') end
  return wrong
end
-- The latest word on what a limit allows counts.
local function declare(demand)
  local key = env.root .. 'limit:' .. demand.name
  if demand.kind == 'most' then
    redis.call('HSET', key, 'most', demand.number)
  else
    redis.call('HSET', key, 'interval', demand.number, 'burst', demand.burst)
  end
  return read_limit(env, demand.name)
end
-- Whether it may pass this limit; one that was not called stands behind all who wait.
local function may_pass(limit, is_called)
  redis.call('ZREMRANGEBYSCORE', limit.called, '-inf', env.now)
  if not is_called and redis.call('ZCARD', limit.line) > 0 then return false end
  return room(env, limit, redis.call('ZCARD', limit.called), is_called and slack_ms or 0) >= 1
end
local function stand_in_line(ask, limit, flags, is_called)
  local record = redis.call('HGET', KEYS[2], ask.number)
  local id = next_id(env.sequence, env.parked)
  redis.call('HDEL', KEYS[2], ask.number)
  redis.call('HSET', env.parked, id, with_flags(record, tonumber(flags)))
  -- Its own bucket first; there, one that had its turn before all who have not.
  local place = string.byte(record, 3) * 2 ^ 44 + (is_called and 0 or tonumber(id, 16))
  redis.call('ZADD', limit.line, string.format('%.0f', place), id .. ' ' .. ask.task)
  if ask.expires ~= '' then redis.call('ZADD', env.due, ask.expires, id) end
  move_line(env, limit.name)
end
local function grant(ask, limits, is_called)
  local holds = {}
  for i = 1, #limits do
    take_room(env, limits[i], ask.holder, is_called and slack_ms or 0)
    if limits[i].most then holds[#holds + 1] = limits[i].name end
    mark_line(env, limits[i], redis.call('ZCARD', limits[i].called))
  end
  redis.call('HSET', KEYS[3], ask.number, table.concat(holds, '\n'))
  redis.call('HSET', KEYS[1], 'holds', 1)
  if ask.frees ~= '' then free_unique(env.root, ask.frees, ask.task) end
end
local function answer(ask)
  if redis.call('HEXISTS', KEYS[3], ask.number) == 1 then return 'g' end
  if redis.call('HEXISTS', KEYS[2], ask.number) == 0 then return 'f' end
  kinds = {}
  local wrong = wrong_ask(ask)
  local caller = not wrong and redis.call('GET', env.root .. 'called:' .. ask.task)
  wrong = wrong or caller and wrong_limit(env, caller)
  if wrong then return wrong end
  -- Its claim is used up, or given up: it counts for itself no more.
  redis.call('DEL', env.root .. 'called:' .. ask.task)
  if caller then redis.call('ZREM', env.root .. 'limit:' .. caller .. ':called', ask.task) end
  local limits, refused = {}, nil
  for i = 1, #ask.demands do
    limits[i] = declare(ask.demands[i])
    if not refused and not may_pass(limits[i], caller == limits[i].name) then refused = i end
  end
  if refused then
    stand_in_line(ask, limits[refused], ask.demands[refused].flags, caller == limits[refused].name)
  else
    grant(ask, limits, caller and true)
  end
  -- What it was called for somebody else may take.
  if caller and (refused and caller ~= limits[refused].name or not refused) then move_line(env, caller) end
  return refused and 'p' or 'g'
end

local answers, at = {}, 3
while at <= #ARGV do
  local ask
  ask, at = read_ask(at)
  answers[#answers + 1] = answer(ask)
end
return answers
