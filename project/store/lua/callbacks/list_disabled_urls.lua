-- ARGV: limit -> URLs that refuse callbacks, the newest first, each followed by the time since when
return redis.call('ZREVRANGE', DISABLED, 0, ARGV[1] - 1, 'WITHSCORES')
