-- The fleet as it stands; descriptions only if they changed since the version that the caller has.
local function fleet(nodes_key, pulses_key, orphans_key, version_key, known)
  local version = redis.call('GET', version_key) or '0'
  local nodes = version ~= known and redis.call('HGETALL', nodes_key)
  return { version, nodes, redis.call('HGETALL', pulses_key), redis.call('SMEMBERS', orphans_key) }
end
