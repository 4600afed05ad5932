-- A unique key becomes its task's; the mark tells whoever purges that there may be some.
local function claim_unique(key, mark, task, for_ms)
  if for_ms == '' then
    redis.call('SET', key, task)
  else
    redis.call('SET', key, task, 'PX', for_ms)
  end
  redis.call('SET', mark, '')
end
