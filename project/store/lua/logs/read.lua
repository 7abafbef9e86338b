-- The stored logs of a job. ARGV: id -> the last lines, see lib/log.lua (nothing when it has logged nothing), then the whole logs of
-- attempts (JSON)
return { redis.call('GET', log_key(ARGV[1])), unpack(redis.call('LRANGE', log_files_key(ARGV[1]), 0, -1)) }
