-- A message nobody can read is kept where a person finds it. ARGV: worker, serial
local worker, serial = ARGV[1], ARGV[2]
local entry = redis.call('HGET', unacked_key(worker), serial)
redis.call('HDEL', unacked_key(worker), serial)
if not entry then return 0 end
redis.call('LPUSH', GARBAGE, entry)
redis.call('LTRIM', GARBAGE, 0, MOST_GARBAGE - 1)
return redis.call('INCR', prefix .. 'garbage:count')
