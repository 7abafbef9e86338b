-- The accounts of erasures, newest first. ARGV: how many
return redis.call('LRANGE', ERASURES, 0, ARGV[1] - 1)
