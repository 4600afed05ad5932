-- celery-task-meta documents. Celery reads the stored one first and never writes over SUCCESS (celery-wire.md §5.1).
-- Both spellings of its JSON are known; a document whose status does not stand first is parsed, never written back.
local ends = { SUCCESS = true, FAILURE = true, REVOKED = true }
local function stored_status(key)
  local head = redis.call('GETRANGE', key, 0, 63)
  local status = string.match(head, '^%s*{%s*"status"%s*:%s*"([^"\\]*)"')
  if status then return status end
  local ok, document = pcall(cjson.decode, redis.call('GET', key))
  return ok and type(document) == 'table' and document.status or nil
end
local function set_expiring(key, value, expires_ms)
  if expires_ms == '' then
    redis.call('SET', key, value)
  else
    redis.call('SET', key, value, 'PX', expires_ms)
  end
end
local function store_result(key, document, expires_ms)
  set_expiring(key, document, expires_ms)
  redis.call('PUBLISH', key, document)
end
