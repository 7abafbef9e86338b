-- Keeps what a worker has logged last. ARGV: its name, lines (JSON)
local KEPT_SECONDS = 86400
redis.call('SET', worker_log_key(ARGV[1]), ARGV[2], 'EX', KEPT_SECONDS)
