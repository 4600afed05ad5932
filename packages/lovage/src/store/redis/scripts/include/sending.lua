-- include "kinds"
-- include "parking"
-- include "results"
-- What `publish` and `commit` send, from ARGV at `at`: bindings, chord starts, messages by list, parked messages. Read, checked
-- and written in three passes. Wire: celery-wire.md §1.4 (LPUSH, bindings) and §7.2 (`.s` before the last member).
local function read_sending(at)
  local sending = { bindings = at }
  at = at + 1 + 2 * ARGV[at]
  sending.chords = at
  at = at + 1 + 6 * ARGV[at]
  sending.lists = at
  local lists = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, lists do at = at + 2 + ARGV[at + 1] end
  sending.parked = at
  return sending, at + 1 + 3 * ARGV[at]
end
local function wrong_sending(sending, parked_key, due_key, sequence_key)
  local at = sending.bindings
  for i = at + 1, at + 2 * ARGV[at], 2 do
    local wrong = wrong_kind(ARGV[i], 'set')
    if wrong then return wrong end
  end
  at = sending.chords
  for i = at + 1, at + 6 * ARGV[at], 6 do
    local wrong = wrong_kind(ARGV[i], 'string') or wrong_kind(ARGV[i + 4], 'string')
    if wrong then return wrong end
  end
  at = sending.lists + 1
  for _ = 1, tonumber(ARGV[sending.lists]) do
    local wrong = wrong_kind(ARGV[at], 'list')
    if wrong then return wrong end
    at = at + 2 + ARGV[at + 1]
  end
  if ARGV[sending.parked] ~= '0' then return wrong_parking(parked_key, due_key, sequence_key) end
end
local function push_all(lists_at)
  local at = lists_at + 1
  for _ = 1, tonumber(ARGV[lists_at]) do
    local key, last = ARGV[at], at + 1 + ARGV[at + 1]
    for from = at + 2, last, 1000 do
      redis.call('LPUSH', key, unpack(ARGV, from, math.min(from + 999, last)))
    end
    at = last + 1
  end
end
local function send_all(sending, now, parked_key, due_key, sequence_key)
  local at = sending.bindings
  for i = at + 1, at + 2 * ARGV[at], 2 do redis.call('SADD', ARGV[i], ARGV[i + 1]) end
  at = sending.chords
  for i = at + 1, at + 6 * ARGV[at], 6 do
    store_result(ARGV[i], ARGV[i + 1], ARGV[i + 2])
    redis.call('DEL', ARGV[i + 3])
    if ARGV[i + 5] ~= '' then store_result(ARGV[i + 4], ARGV[i + 5], ARGV[i + 2]) end
  end
  push_all(sending.lists)
  at = sending.parked
  for i = at + 1, at + 3 * ARGV[at], 3 do
    park(parked_key, due_key, sequence_key, now + ARGV[i], ARGV[i + 1] .. ARGV[i + 2])
  end
end
