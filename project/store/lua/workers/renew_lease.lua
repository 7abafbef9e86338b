-- A worker says that it lives. Also when Redis is full: the first write must not be one that grows.
-- ARGV: worker id, seconds, whether this is the first time (1 | 0), then fields about it.
-- -> 1, or 0 when the lease had ended and its jobs were given away: it must stop at once.
local worker, seconds, first = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local known = redis.call('ZREM', WORKERS, worker)
hear(now(), seconds)
if known == 0 and not first then return 0 end
redis.call('ZADD', WORKERS, string.format('%.6f', tonumber(now()) + seconds), worker)
redis.call('HSET', worker_key(worker), unpack(ARGV, 4))
return 1
