-- What a delivery is to tell. ARGV: its id, its URL, then the names of the fields wanted of the job it tells of.
-- -> what became of that job, when, its id, whether the URL takes no more ('' = it does), those fields; or nothing
local status, at, id = unpack(redis.call('HMGET', job_key(ARGV[1]), 'event', 'created_at', 'of'))
if not status then return {} end
return { status, at, id, redis.call('ZSCORE', DISABLED, ARGV[2]) or '', redis.call('HMGET', job_key(id), unpack(ARGV, 3)) }
