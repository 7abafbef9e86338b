-- What a delivery reports. ARGV: its id, its URL, then names of fields of the job that it reports on.
-- -> the status that job ended with, when, its id, since when the URL refuses callbacks ('' = it does not), those fields;
-- or nothing when there is no such delivery
local status, at, id = unpack(redis.call('HMGET', job_key(ARGV[1]), 'reported_status', 'created_at', 'reported_job'))
if not status then return {} end
return { status, at, id, redis.call('ZSCORE', DISABLED, ARGV[2]) or '', redis.call('HMGET', job_key(id), unpack(ARGV, 3)) }
