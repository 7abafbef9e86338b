-- A URL gets callbacks again. ARGV: URL -> 1, or 0 when it did anyway
return redis.call('ZREM', DISABLED, ARGV[1])
