-- Read an entry of the suppression list.
-- ARGV: address
-- Returns: reason, space, seconds since 1970; nil for an address that is not on the list
return redis.call('HGET', SUPPRESSED, ARGV[1]) or redis.call('HGET', ERASED, redis.sha1hex(ARGV[1]))
