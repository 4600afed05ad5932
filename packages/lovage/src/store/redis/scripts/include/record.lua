-- A record in flight, parked or dead: version (1 byte), flags (1: bit 0 = acknowledged early, high half = why it is parked),
-- bucket (1), lengths of key prefix, queue name and list key (2 each, big endian), the list key, then the envelope untouched.
-- record.ts writes and reads the same.
local function split_record(record)
  local _, _, _, _, _, key_length, at = struct.unpack('>BBBHHH', record)
  return string.sub(record, at, at + key_length - 1), string.sub(record, at + key_length), string.sub(record, 1, at + key_length - 1)
end
local function with_flags(record, flags)
  return string.sub(record, 1, 1) .. string.char(flags) .. string.sub(record, 3)
end
local function flags_of(record)
  return string.byte(record, 2)
end
