#!lua flags=allow-oom
-- Applies outcomes of one epoch, each whole or not at all, and reserves the next messages. Every commit is checked, then
-- written by commands that can no longer fail, its first write the removal of its in-flight record: so it runs when memory is
-- full, a repeated commit finds nothing to remove, and one that is refused does not touch its neighbours.
-- KEYS  1 epoch, 2 flight, 3 counters, 4 parked, 5 parked due, 6 dead, 7 dead order, 8 fleet, 9 sequence, 10 revokes version
-- ARGV  1 id of this call, 2 epoch, 3 '1' on behalf of a closed epoch, 4 '1' ordered chords, 5 ms a closed epoch is remembered,
--       counters: how many, then two field names each ('' = none);
--       plain commits (ack, at most one result): how many, '1' if their results must be looked at one by one,
--         then each: delivery number, result key or '', document, expiry (ms or ''), counter or 0, where else it is told or '';
--       other commits: how many, then each: delivery number, counter or 0, settle ('ack' | 'front' | 'back' | 'park' | 'dead'),
--         its detail (park: due ms; dead: description), park flags, '1' and new envelope | '' and '' | 'u' and a unique key with
--         the id of the task that gives it back,
--         results: how many, then each key, document, expiry; what is sent (include/sending.lua); chord parts: how many, then
--         eight each (include/chord.lua);
--       transitions: how many, and if any: their log, how many it keeps, then each: place in the reply's letters, entry;
--       '1' and the next call (include/reserve.lua) | ''
-- Reply 'closed' (on behalf: 'open') when that is what the epoch is and must not be | { letters, details, now (ms), revokes version, reserved or nil, fault or nil }; one letter per commit:
--       a applied, f fenced, d parts due, n not due, r refused; a detail for each d, n and r.
-- Python  celery-task-meta-* as SETEX + PUBLISH, never over SUCCESS; chord keys and lists are Celery's own.
local epoch_key, flight_key, counters_key = KEYS[1], KEYS[2], KEYS[3]
local on_behalf = ARGV[3] == '1'
redis.call('HLEN', flight_key)
local epoch = redis.call('HMGET', epoch_key, 'state', 'commit', 'holds')
if not epoch[1] or (epoch[1] == 'open') == on_behalf then return epoch[1] or 'closed' end
local version = tonumber(redis.call('GET', KEYS[10]) or '0')
if on_behalf then redis.call('HLEN', KEYS[8]) end
-- Only of an epoch whose deliveries were granted places at limits, some time.
local root = string.sub(epoch_key, 1, -7 - #ARGV[2])
local holds_key = epoch[3] and root .. 'holds:' .. ARGV[2]
if holds_key then redis.call('HLEN', holds_key) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A reply that was lost is given again: what this very call applied is not fenced.
local before = ''
if epoch[2] and string.sub(epoch[2], 1, #ARGV[1] + 1) == ARGV[1] .. ' ' then before = string.sub(epoch[2], #ARGV[1] + 2) end

local plain_at = 7 + 2 * ARGV[6]
local first, last, look = plain_at + 2, plain_at + 1 + 6 * ARGV[plain_at], ARGV[plain_at + 1] == '1'
local others, at = tonumber(ARGV[last + 1]), last + 2
-- One look for all: mostly none of these results exists yet.
if not look then
  local keys = {}
  for i = first, last, 6 do
    if ARGV[i + 1] ~= '' then keys[#keys + 1] = ARGV[i + 1] end
  end
  for from = 1, #keys, 1000 do
    look = look or redis.call('EXISTS', unpack(keys, from, math.min(from + 999, #keys))) > 0
  end
end

local letters, details, counts = {}, {}, {}
-- Counters and limits are no part of an outcome: a broken key of theirs is reported and costs none.
local fault = false
if not look and others == 0 and before == '' and not holds_key then
  -- The common case, without the functions below: Lua would make a closure of each in every call, which costs a short call a
  -- third of its time.
  for i = first, last, 6 do
    if redis.call('HDEL', flight_key, ARGV[i]) == 0 then
      letters[#letters + 1] = 'f'
    else
      local key = ARGV[i + 1]
      if key ~= '' then
        if ARGV[i + 3] == '' then
          redis.call('SET', key, ARGV[i + 2])
        else
          redis.call('SET', key, ARGV[i + 2], 'PX', ARGV[i + 3])
        end
        redis.call('PUBLISH', key, ARGV[i + 2])
        if ARGV[i + 5] ~= '' then redis.call('PUBLISH', ARGV[i + 5], ARGV[i + 2]) end
      end
      letters[#letters + 1] = 'a'
      counts[ARGV[i + 4]] = (counts[ARGV[i + 4]] or 0) + 1
    end
  end
  counts['0'] = nil
else
-- include "kinds"
-- include "record"
-- include "results"
-- include "sending"
-- include "chord"
-- Only where a message dies are these functions made.
local function dead_letters()
-- include "dead"
return wrong_dead, bury
end
local parked_key, due_key, dead_key, dead_order_key, sequence_key = KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[9]
local ordered = ARGV[4] == '1'
local function answer(letter, detail, counter)
  letters[#letters + 1] = letter
  if detail then details[#details + 1] = detail end
  if letter == 'a' and counter ~= '0' then counts[counter] = (counts[counter] or 0) + 1 end
end
local function is_known()
  return string.sub(before, #letters + 1, #letters + 1) == 'a'
end
-- Functions that few need are made when they are needed: each costs a call some of its time.
local function give_back_holds(number, holds)
-- include "limits"
  local env = { root = root, parked = parked_key, due = due_key, sequence = sequence_key, now = now }
  redis.call('HDEL', holds_key, number)
  local done, why = pcall(give_back, env, ARGV[2] .. ' ' .. number, holds)
  if not done then fault = type(why) == 'table' and why.err or tostring(why) end
end
local function free_holds(number)
  local holds = holds_key and redis.call('HGET', holds_key, number)
  if holds then give_back_holds(number, holds) end
end
local function give_back_key(said)
-- include "unique"
  local key, task = string.match(said, '^(%S+) (.*)$')
  if kind_of(root .. 'unique:' .. key) == 'string' then free_unique(root, key, task) end
end
-- nil | reason; `skip` tells which results stand at SUCCESS and stay.
local function check_result(key, skip)
  local wrong = wrong_kind(key, 'string')
  if not wrong and kinds[key] == 'string' and stored_status(key) == 'SUCCESS' then skip[key] = true end
  kinds[key] = nil
  return wrong
end

local function commit_plain(at, look)
  local number, key, counter = ARGV[at], ARGV[at + 1], ARGV[at + 4]
  if is_known() then return answer('a', nil, '0') end
  local skip = {}
  if look and key ~= '' then
    if redis.call('HEXISTS', flight_key, number) == 0 then return answer('f') end
    local wrong = check_result(key, skip)
    if wrong then return answer('r', wrong) end
  end
  if redis.call('HDEL', flight_key, number) == 0 then return answer('f') end
  if key ~= '' and not skip[key] then
    store_result(key, ARGV[at + 2], ARGV[at + 3])
    if ARGV[at + 5] ~= '' then redis.call('PUBLISH', ARGV[at + 5], ARGV[at + 2]) end
  end
  free_holds(number)
  answer('a', nil, counter)
end
local function check_settle(commit, record)
  if commit.settle == 'park' then return wrong_parking(parked_key, due_key, sequence_key) end
  if commit.settle == 'dead' then return (dead_letters())(dead_key, dead_order_key, sequence_key) end
  if commit.settle ~= 'ack' then return wrong_kind((split_record(record)), 'list') end
end
local function settle(commit, record)
  if commit.settle == 'ack' then return end
  local key, envelope, header = split_record(record)
  if commit.replaces then envelope = commit.envelope end
  if commit.settle == 'front' then
    redis.call('RPUSH', key, envelope)
  elseif commit.settle == 'back' then
    redis.call('LPUSH', key, envelope)
  elseif commit.settle == 'park' then
    park(parked_key, due_key, sequence_key, commit.detail, with_flags(header, tonumber(commit.flags)) .. envelope)
  else
    local _, bury = dead_letters()
    bury(dead_key, dead_order_key, sequence_key, now, commit.detail, record)
  end
end

local function read_commit(at)
  local commit = {
    number = ARGV[at], counter = ARGV[at + 1], settle = ARGV[at + 2], detail = ARGV[at + 3], flags = ARGV[at + 4],
    replaces = ARGV[at + 5] == '1', frees = ARGV[at + 5] == 'u', envelope = ARGV[at + 6], results = at + 7, parts = {},
  }
  at = at + 8 + 3 * ARGV[at + 7]
  commit.sending, at = read_sending(at)
  local parts = tonumber(ARGV[at])
  for i = 0, parts - 1 do commit.parts[i + 1] = read_part(at + 1 + i * 8, ordered) end
  return commit, at + 1 + parts * 8
end
local function check_commit(commit, record, skip)
  local wrong = check_settle(commit, record)
  local at = commit.results
  for i = at + 1, at + 3 * ARGV[at], 3 do wrong = wrong or check_result(ARGV[i], skip) end
  wrong = wrong or wrong_sending(commit.sending, parked_key, due_key, sequence_key)
  if wrong then return 'r', wrong end
  local earlier = {}
  for i = 1, #commit.parts do
    local part = commit.parts[i]
    earlier[part.key] = earlier[part.key] or {}
    local letter, detail = check_part(part, earlier[part.key])
    if letter then return letter, detail end
    table.insert(earlier[part.key], part)
  end
end
local function write_commit(commit, record, skip)
  redis.call('HDEL', flight_key, commit.number)
  settle(commit, record)
  local at = commit.results
  for i = at + 1, at + 3 * ARGV[at], 3 do
    if not skip[ARGV[i]] then store_result(ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
  end
  for i = 1, #commit.parts do write_part(commit.parts[i]) end
  send_all(commit.sending, now, parked_key, due_key, sequence_key)
  if commit.frees then give_back_key(commit.envelope) end
  free_holds(commit.number)
end
local function commit_other(at)
  local commit, following = read_commit(at)
  -- What an earlier commit of this batch made or removed may have another type now.
  kinds = {}
  if is_known() then
    answer('a', nil, '0')
    return following
  end
  -- Acknowledged, its bytes are of no more use.
  local record = commit.settle == 'ack' and redis.call('HEXISTS', flight_key, commit.number) == 1 or redis.call('HGET', flight_key, commit.number)
  if not record then
    answer('f')
    return following
  end
  local skip = {}
  local letter, detail = check_commit(commit, record, skip)
  if letter then
    answer(letter, detail)
  else
    write_commit(commit, record, skip)
    answer('a', nil, commit.counter)
  end
  return following
end

for i = first, last, 6 do commit_plain(i, look) end
for _ = 1, others do at = commit_other(at) end
end

for counter, count in pairs(counts) do
  for field = 5 + 2 * counter, 6 + 2 * counter do
    if ARGV[field] ~= '' then
      local reply = redis.pcall('HINCRBY', counters_key, ARGV[field], count)
      if type(reply) == 'table' and reply.err then fault = reply.err .. ' (key "' .. counters_key .. '")' end
    end
  end
end

-- Nor is what is told of it. Commits that an earlier call applied were told by that one.
local told = tonumber(ARGV[at])
at = at + 1
if told > 0 then
  local log_key, keep = ARGV[at], ARGV[at + 1]
  for i = at + 2, at + 1 + 2 * told, 2 do
    local place = tonumber(ARGV[i])
    if letters[place] == 'a' and string.sub(before, place, place) ~= 'a' then
      local reply = redis.pcall('XADD', log_key, 'MAXLEN', '~', keep, '*', 'd', ARGV[i + 1])
      if type(reply) == 'table' and reply.err then fault = reply.err .. ' (key "' .. log_key .. '")' end
    end
  end
  redis.call('PUBLISH', log_key, '')
  at = at + 2 + 2 * told
end

local answers = table.concat(letters)
local reserved = false
if epoch[1] == 'open' then
  if #letters > 0 then redis.call('HSET', epoch_key, 'commit', ARGV[1] .. ' ' .. answers) end
  if ARGV[at] == '1' then
-- include "reserve"
    reserved = reserve(epoch_key, flight_key, at + 1)
  end
elseif redis.call('HLEN', flight_key) == 0 then
  redis.call('HDEL', KEYS[8], 'o:' .. ARGV[2])
  redis.call('PEXPIRE', epoch_key, ARGV[5])
end
return { answers, details, now, version, reserved, fault }
