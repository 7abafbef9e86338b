-- Remove an address from the suppression list, also one that was erased.
-- ARGV: address
-- Returns: 1, or 0 when it was not on the list
local listed = redis.call('HDEL', SUPPRESSED, ARGV[1])
return math.max(listed, redis.call('HDEL', ERASED, redis.sha1hex(ARGV[1])))
