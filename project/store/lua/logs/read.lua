-- The stored logs of a job. ARGV: id -> see lib/log.lua; nothing when it has logged nothing
return redis.call('GET', log_key(ARGV[1]))
