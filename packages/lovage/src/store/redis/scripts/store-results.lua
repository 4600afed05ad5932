#!lua
-- Stores result documents outside of a commit, all or none.
-- KEYS  the documents' keys
-- ARGV  for each: document, expiry (ms or ''), '1' never over SUCCESS | ''
-- Reply 'ok' | { code, message } (nothing was written)
-- Python  celery-task-meta-* and celery-taskset-meta-* as SETEX + PUBLISH.
-- include "kinds"
-- include "results"
for i = 1, #KEYS do
  local wrong = wrong_kind(KEYS[i], 'string')
  if wrong then return wrong end
end
for i = 1, #KEYS do
  local at = i * 3 - 2
  local stands = ARGV[at + 2] == '1' and redis.call('EXISTS', KEYS[i]) == 1 and stored_status(KEYS[i]) == 'SUCCESS'
  if not stands then store_result(KEYS[i], ARGV[at], ARGV[at + 1]) end
end
return 'ok'
