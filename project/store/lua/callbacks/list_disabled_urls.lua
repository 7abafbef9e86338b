-- ARGV: most -> URLs that want no more callbacks, the newest first, each followed by when it said so
return redis.call('ZREVRANGE', DISABLED, 0, ARGV[1] - 1, 'WITHSCORES')
