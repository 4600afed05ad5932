#!lua flags=allow-oom
-- Removes dead letters by id.
-- KEYS  1 dead, 2 dead order
-- ARGV  ids
-- Reply how many were there | { code, message } (nothing was written)
-- Python  none of these keys.
-- include "dead"
local wrong = wrong_dead(KEYS[1], KEYS[2])
if wrong then return wrong end
local removed = 0
for i = 1, #ARGV do
  if unbury(KEYS[1], KEYS[2], ARGV[i]) then removed = removed + 1 end
end
return removed
