-- Pauses a queue: it hands out no messages until it is resumed. ARGV: queue
redis.call('SADD', PAUSED, ARGV[1])
return 1
