-- Resumes a queue: it hands out messages at once. ARGV: queue
redis.call('SREM', PAUSED, ARGV[1])
redis.call('HDEL', PAUSES, ARGV[1])
wake_worker(ARGV[1])
return 1
