-- Read the states of recipients.
-- ARGV: mailing, then recipients
-- Returns: the state of each, or nil
return redis.call('HMGET', ledger_key(ARGV[1]), unpack(ARGV, 2))
