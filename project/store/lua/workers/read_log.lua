-- ARGV: the name of a worker -> what it has logged last (JSON), or nothing
return redis.call('GET', worker_log_key(ARGV[1]))
