-- include "kinds"
-- include "results"
-- A chord's join on Celery's own keys (celery-wire.md §7.3): `.j` recorded parts, `.t` tasks added later, `.s` size. A part is
-- known by (index, task id), never by its text, so a repeated part changes nothing. A set is full when the distinct parts are
-- `.s` + `.t`. `closed` is a key of ours that marks a chord that has ended, for those that come late.
local function part_id(text)
  return string.match(text, '^%[%s*%d+%s*,%s*"([^"]*)"') or text
end
local function is_recorded(part)
  local texts
  if part.ordered then
    texts = redis.call('ZRANGEBYSCORE', part.joined, part.raw_score, part.raw_score)
  else
    texts = redis.call('LRANGE', part.joined, 0, -1)
  end
  for i = 1, #texts do
    if part_id(texts[i]) == part.id then return true end
  end
  return false
end
-- Distinct parts other than `part`, and those that this commit brings before it, as Celery would join them (by score, then
-- text; unordered: as they came), and how many of them come before `part`.
local function comes_before(one, other)
  if one.score ~= other.score then return one.score < other.score end
  return one.text < other.text
end
local function other_parts(part, earlier)
  local others, seen, own_place = {}, {}, nil
  local function add(text, score, id)
    local identity = score .. ' ' .. id
    if id == part.id and score == part.score then
      own_place = own_place or #others
    elseif not seen[identity] then
      others[#others + 1] = { text = text, score = score }
    end
    seen[identity] = true
  end
  if part.ordered then
    local members = redis.call('ZRANGE', part.joined, 0, -1, 'WITHSCORES')
    for i = 1, #members, 2 do add(members[i], tonumber(members[i + 1]), part_id(members[i])) end
  else
    local members = redis.call('LRANGE', part.joined, 0, -1)
    for i = 1, #members do add(members[i], 0, part_id(members[i])) end
  end
  for i = 1, #earlier do add(earlier[i].text, earlier[i].score, earlier[i].id) end
  if part.ordered and #earlier > 0 then table.sort(others, comes_before) end
  local texts, place = {}, 0
  for i = 1, #others do
    texts[i] = others[i].text
    if part.ordered and comes_before(others[i], part) then place = i end
  end
  return texts, part.ordered and place or own_place or #others
end
-- ARGV at `at`: group id, its key, our mark, score, member text, expiry (ms or ''), completes ('' | 'body' | 'error'), members it adds.
local function read_part(at, ordered)
  local key = ARGV[at + 1]
  return {
    group = ARGV[at], key = key, closed = ARGV[at + 2], score = ordered and tonumber(ARGV[at + 3]) or 0, raw_score = ARGV[at + 3], text = ARGV[at + 4], expires = ARGV[at + 5], completes = ARGV[at + 6], adds = tonumber(ARGV[at + 7]),
    joined = key .. '.j', extra = key .. '.t', size = key .. '.s', ordered = ordered, id = part_id(ARGV[at + 4]),
  }
end
-- nil: the part may be written. Else the letter of the answer and what goes with it. `earlier`: parts of the same chord that
-- this commit brings before this one.
local function check_part(part, earlier)
  local wanted = part.ordered and 'zset' or 'list'
  local kind = kind_of(part.joined)
  if kind ~= 'none' and kind ~= wanted and (kind == 'zset' or kind == 'list') then
    return 'r', { 'LOVAGE_CHORD_ORDER_MISMATCH', 'The chord "' .. part.group .. '" is joined in a ' .. kind .. ' by its other workers and in a ' .. wanted
      .. ' by this one. Give all of them the same result_chord_ordered.' }
  end
  local wrong = wrong_kind(part.joined, wanted) or wrong_kind(part.extra, 'string') or wrong_kind(part.size, 'string') or wrong_kind(part.closed, 'string')
  if wrong then return 'r', wrong end
  if kind_of(part.closed) == 'string' then
    part.late = true
    if part.completes ~= '' then return 'n', { part.group } end
    return
  end
  if part.adds > 0 then
    -- What it added stands in `.t` already when it was recorded before.
    if kind ~= 'none' and is_recorded(part) then part.adds = 0 end
    local added = kind_of(part.extra) == 'string' and redis.call('GET', part.extra) or '0'
    if not string.match(added, '^%d+$') then return 'r', { 'LOVAGE_CHORD_SIZE_INVALID', 'What was added to chord "' .. part.group .. '" is "' .. added .. '", not a number.' } end
  end
  local size = kind_of(part.size) == 'string' and redis.call('GET', part.size)
  local due = false
  if size then
    local whole = tonumber(size)
    local extra = tonumber(kind_of(part.extra) == 'string' and redis.call('GET', part.extra) or '0')
    if not whole or not extra then return 'r', { 'LOVAGE_CHORD_SIZE_INVALID', 'The size of chord "' .. part.group .. '" is "' .. size .. '", not a number.' } end
    extra = extra + part.adds
    for i = 1, #earlier do extra = extra + earlier[i].adds end
    local recorded = redis.call(part.ordered and 'ZCARD' or 'LLEN', part.joined)
    if recorded + #earlier + 1 >= whole + extra then
      local texts, place = other_parts(part, earlier)
      due = #texts + 1 == whole + extra
      if due and part.completes == '' then
        local taskset = kind_of(part.key) == 'string' and redis.call('GET', part.key)
        return 'd', { part.group, taskset, texts, place }
      end
    end
  end
  if part.completes ~= '' and not due then return 'n', { part.group } end
  part.late = kind ~= 'none' and is_recorded(part)
end
local function keep_part(part)
  if not part.late then
    if part.ordered then
      redis.call('ZADD', part.joined, part.raw_score, part.text)
    else
      redis.call('RPUSH', part.joined, part.text)
    end
    if part.adds > 0 then redis.call('INCRBY', part.extra, part.adds) end
  end
  if part.expires ~= '' then
    redis.call('PEXPIRE', part.joined, part.expires)
    if kind_of(part.extra) == 'string' then redis.call('PEXPIRE', part.extra, part.expires) end
    if kind_of(part.size) == 'string' then redis.call('PEXPIRE', part.size, part.expires) end
  end
end
local function write_part(part)
  if part.completes == '' and part.late then return end
  if part.completes == 'body' then
    redis.call('DEL', part.joined, part.extra, part.size)
  else
    keep_part(part)
  end
  if part.completes ~= '' then set_expiring(part.closed, part.completes, part.expires) end
end
