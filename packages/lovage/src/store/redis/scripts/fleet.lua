#!lua flags=no-writes
-- The fleet, for those who have no pulse of their own.
-- KEYS  1 nodes, 2 fleet (include/fleet.lua)
-- ARGV  1 version of the descriptions that the caller has
-- Reply { fields of the fleet, nodes or nil }
-- Python  none of these keys.
-- include "fleet"
return fleet(KEYS[1], KEYS[2], ARGV[1])
