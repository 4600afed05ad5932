-- Closes an epoch for good. One that holds deliveries is an orphan until they are settled; one that holds nothing is remembered
-- for a while, so that it cannot open again.
local function close_epoch(epoch, epoch_key, flight_key, fleet_key, remember_ms)
  redis.call('HSET', epoch_key, 'state', 'closed')
  if redis.call('HLEN', flight_key) > 0 then
    redis.call('HSET', fleet_key, 'o:' .. epoch, '')
  else
    redis.call('PEXPIRE', epoch_key, remember_ms)
  end
end
