-- What every beat reads is one hash: `v` version of the descriptions, `n:<node>` its counter, `o:<epoch>` an orphan. The
-- descriptions themselves stand in another and are sent only if they changed since the version that the caller has.
local function fleet(nodes_key, fleet_key, known)
  local fields = redis.call('HGETALL', fleet_key)
  local version = ''
  for i = 1, #fields, 2 do
    if fields[i] == 'v' then version = fields[i + 1] end
  end
  return { fields, (version == '' or version ~= known) and redis.call('HGETALL', nodes_key) }
end
