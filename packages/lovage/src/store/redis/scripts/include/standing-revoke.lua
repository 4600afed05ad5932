-- 'expires how key' of the newest refusal of a key that has not expired, or ''.
local function standing_revoke(entries, places, key, now)
  local at = redis.call('HGET', places, key)
  local found = at and redis.call('XRANGE', entries, at, at) or {}
  local text = #found > 0 and found[1][2][2] or ''
  return text ~= '' and tonumber(string.match(text, '^%d+')) > now and text or ''
end
