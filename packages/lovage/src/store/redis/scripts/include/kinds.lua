-- Types of keys, asked before anything is written: Redis does not roll a script back.
local kinds = {}
local function kind_of(key)
  local kind = kinds[key]
  if not kind then
    kind = redis.call('TYPE', key).ok
    kinds[key] = kind
  end
  return kind
end
-- nil: fine. Else why this key cannot take a write of that kind; also right after the key was removed or made by this script.
local function wrong_kind(key, wanted)
  local kind = kind_of(key)
  if kind ~= 'none' and kind ~= wanted then
    return { 'LOVAGE_KEY_WRONG_TYPE', 'The key "' .. key .. '" holds a ' .. kind .. ' where a ' .. wanted .. ' belongs. Rename or delete it.' }
  end
end
