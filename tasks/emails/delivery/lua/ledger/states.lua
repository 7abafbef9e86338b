-- Read the states of recipients.
-- ARGV: mailing, then recipients
-- Returns: the state of each, or nil
local mailing, fields = ARGV[1], { unpack(ARGV, 2) }
if redis.call('HLEN', ERASED) > 0 then
  for i, recipient in ipairs(fields) do fields[i] = find_field(mailing, recipient) end
end
return redis.call('HMGET', ledger_key(mailing), unpack(fields))
