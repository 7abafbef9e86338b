-- A URL wants no more callbacks; the oldest of too many is forgotten. ARGV: URL
redis.call('ZREMRANGEBYRANK', DISABLED, 0, -1 - MOST_DISABLED)
redis.call('ZADD', DISABLED, now(), ARGV[1])
return 1
