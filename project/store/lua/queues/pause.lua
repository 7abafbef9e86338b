-- A queue hands out nothing until it is resumed. ARGV: queue
redis.call('SADD', PAUSED, ARGV[1])
return 1
