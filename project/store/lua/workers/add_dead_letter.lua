-- Moves a message that no worker can read to the dead letters. ARGV: worker, serial -> how many there ever were
local worker, serial = ARGV[1], ARGV[2]
local entry = redis.call('HGET', unacked_key(worker), serial)
redis.call('HDEL', unacked_key(worker), serial)
if not entry then return 0 end
redis.call('LPUSH', DEAD_LETTERS, entry)
redis.call('LTRIM', DEAD_LETTERS, 0, MAX_DEAD_LETTERS - 1)
return redis.call('INCR', DEAD_LETTER_COUNT)
