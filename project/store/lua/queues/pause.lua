-- Pauses a queue: it hands out no messages until it is resumed. ARGV: queue, name of the API key of who asks for that
if redis.call('SADD', PAUSED, ARGV[1]) == 1 then redis.call('HSET', PAUSES, ARGV[1], now() .. ' ' .. ARGV[2]) end
return 1
