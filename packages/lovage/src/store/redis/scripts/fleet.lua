#!lua flags=no-writes
-- The fleet, for those who have no pulse of their own.
-- KEYS  1 nodes, 2 pulses, 3 orphans, 4 fleet version
-- ARGV  1 version of the descriptions that the caller has
-- Reply { version, nodes or nil, pulses, orphans }
-- Python  none of these keys.
-- include "fleet"
return fleet(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1])
