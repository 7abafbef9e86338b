-- Sends no more callbacks to a URL; the oldest of too many such URLs is forgotten. ARGV: URL
redis.call('ZREMRANGEBYRANK', DISABLED, 0, -1 - MAX_DISABLED)
redis.call('ZADD', DISABLED, now(), ARGV[1])
return 1
