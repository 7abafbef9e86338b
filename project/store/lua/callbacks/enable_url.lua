-- Sends callbacks to a URL again. ARGV: URL -> 1, or 0 when they were sent anyway
return redis.call('ZREM', DISABLED, ARGV[1])
