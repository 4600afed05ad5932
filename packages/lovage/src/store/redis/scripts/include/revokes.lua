-- Drops refusals that have expired from the old end, 1000 at most. One that is kept longer holds up those behind it.
local function drop_expired(entries, places, now)
  local head = redis.call('XRANGE', entries, '-', '+', 'COUNT', 1000)
  local dropped = 0
  for i = 1, #head do
    local at = string.match(head[i][1], '^%d+')
    local expires, key = string.match(head[i][2][2], '^(%d+) %S+ (.*)$')
    if tonumber(expires) > now then
      break
    end
    -- The same key may stand further on as well.
    if redis.call('HGET', places, key) == at then
      redis.call('HDEL', places, key)
    end
    dropped = tonumber(at)
  end
  if dropped > 0 then
    redis.call('XTRIM', entries, 'MINID', string.format('%.0f-0', dropped + 1))
  end
end
