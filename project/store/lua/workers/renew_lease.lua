-- Renews the lease of a worker. It works when Redis is full too: the first write must not be one that grows.
-- ARGV: worker, seconds, whether this is the first lease (1 | 0), then fields of the worker and their values in turn
-- -> 1, or 0 when the lease had ended and the jobs were requeued: the worker must stop at once
local worker, seconds, is_first = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local known = redis.call('ZREM', WORKERS, worker)
record_heartbeat(now(), seconds)
if known == 0 and not is_first then return 0 end
redis.call('ZADD', WORKERS, string.format('%.6f', tonumber(now()) + seconds), worker)
redis.call('HSET', worker_key(worker), unpack(ARGV, 4))
local clock = redis.call('HGET', worker_key(worker), 'clock') -- of its machine, when it sent this
if clock then redis.call('HSET', worker_key(worker), 'clock_skew', string.format('%.3f', clock - now())) end
return 1
