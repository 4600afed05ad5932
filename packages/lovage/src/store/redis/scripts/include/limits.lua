-- include "clock"
-- include "kinds"
-- include "parking"
-- include "record"
-- Limits (broker/limits.ts). Of each limit, below `root .. 'limit:' .. name`: a hash of what it allows (`most`, or `interval` in ms,
-- `burst`, and `next`: when the next token would be there if there were no burst); `:held`, the deliveries that have a place;
-- `:line`, parked ids with their task, by bucket and arrival; `:called`, tasks that were called back from the line and keep their
-- claim until then (ms). `root .. 'called:' .. task` names the limit that called it. A line that only time can move has a mark
-- among the parked messages' due times: `limit:` and the name.
local claim_ms = 60000
-- Calls come late by a timer's and a packet's time; so much is made up for, so that a line moves at its full rate.
local slack_ms = 50
local calls_at_once = 1000

local function read_limit(env, name)
  local key = env.root .. 'limit:' .. name
  local found = redis.call('HMGET', key, 'most', 'interval', 'burst', 'next')
  return {
    name = name, key = key, held = key .. ':held', line = key .. ':line', called = key .. ':called',
    most = tonumber(found[1]), interval = tonumber(found[2]), burst = tonumber(found[3]), next = tonumber(found[4]) or 0,
  }
end
local function wrong_limit(env, name)
  local key = env.root .. 'limit:' .. name
  return wrong_kind(key, 'hash') or wrong_kind(key .. ':held', 'set') or wrong_kind(key .. ':line', 'zset') or wrong_kind(key .. ':called', 'zset')
end
-- How many more may start. `claims`: calls that have to be kept; `late`: since when a token may have waited for a call.
local function room(env, limit, claims, late)
  if limit.interval then
    return math.floor((env.now - math.max(limit.next, env.now - late)) / limit.interval) + limit.burst - claims
  end
  return (limit.most or math.huge) - redis.call('SCARD', limit.held) - claims
end
local function take_room(env, limit, holder, late)
  if limit.interval then
    limit.next = math.max(limit.next, env.now - late) + limit.interval
    redis.call('HSET', limit.key, 'next', string.format('%.3f', limit.next))
  else
    redis.call('SADD', limit.held, holder)
  end
end
-- When time alone makes room; nil: whoever holds a place gives it back.
local function next_look(env, limit, claims)
  if limit.interval then return limit.next + (claims - limit.burst + 1) * limit.interval end
  local first = redis.call('ZRANGE', limit.called, 0, 0, 'WITHSCORES')
  return tonumber(first[2])
end
local function mark_line(env, limit, claims)
  local mark = 'limit:' .. limit.name
  if redis.call('ZCARD', limit.line) > 0 then
    local at = next_look(env, limit, claims)
    if at then
      redis.call('ZADD', env.due, math.ceil(math.max(at, env.now)), mark)
    else
      redis.call('ZREM', env.due, mark)
    end
    redis.call('PERSIST', limit.key)
    return
  end
  redis.call('ZREM', env.due, mark)
  -- Nobody waits: what is left is kept for as long as it says anything.
  if limit.interval then
    redis.call('PEXPIRE', limit.key, math.ceil(math.max(0, limit.next - env.now)) + 2 * claim_ms)
  elseif redis.call('EXISTS', limit.held) == 1 then
    redis.call('PERSIST', limit.key)
  else
    redis.call('PEXPIRE', limit.key, 2 * claim_ms)
  end
end
local function call_back(env, limit, task, list, envelope)
  redis.call('RPUSH', list, envelope)
  redis.call('ZADD', limit.called, env.now + claim_ms, task)
  redis.call('PEXPIRE', limit.called, 2 * claim_ms)
  redis.call('SET', env.root .. 'called:' .. task, limit.name, 'PX', claim_ms)
end
-- Calls back those for whom there is room. Returns how many.
local function move_line(env, name)
  local limit = read_limit(env, name)
  redis.call('ZREMRANGEBYSCORE', limit.called, '-inf', env.now)
  local claims, calls = redis.call('ZCARD', limit.called), {}
  local free = math.min(room(env, limit, claims, slack_ms), calls_at_once)
  while #calls < free do
    local head = redis.call('ZPOPMIN', limit.line)[1]
    if not head then break end
    local id, task = string.match(head, '^(%x+) (.*)$')
    local record = redis.call('HGET', env.parked, id)
    if record then
      local list, envelope = split_record(record)
      if wrong_kind(list, 'list') then
        redis.call('ZADD', env.due, env.now + claim_ms, id)
      else
        redis.call('HDEL', env.parked, id)
        redis.call('ZREM', env.due, id)
        calls[#calls + 1] = { task, list, envelope }
      end
    end
  end
  -- Pushed to the front, so the first comes last.
  for i = #calls, 1, -1 do call_back(env, limit, calls[i][1], calls[i][2], calls[i][3]) end
  mark_line(env, limit, claims + #calls)
  return #calls
end
-- What a delivery held is free again; `holds`: names, one per line.
local function give_back(env, holder, holds)
  for name in string.gmatch(holds, '[^\n]+') do
    redis.call('SREM', env.root .. 'limit:' .. name .. ':held', holder)
    move_line(env, name)
  end
end
