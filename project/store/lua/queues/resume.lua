-- A queue hands out its messages again, at once. ARGV: queue
redis.call('SREM', PAUSED, ARGV[1])
ring(ARGV[1])
return 1
