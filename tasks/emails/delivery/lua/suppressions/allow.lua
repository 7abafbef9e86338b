-- Remove an address from the suppression list.
-- ARGV: address
-- Returns: 1, or 0 when it was not on the list
return redis.call('HDEL', SUPPRESSED, ARGV[1])
