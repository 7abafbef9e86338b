-- What a delivery reports. ARGV: its id, its URL, then names of fields of the job that it reports on.
-- -> the status that job ended with, when, its id, since when the URL refuses callbacks ('' = it does not), those fields;
-- those of the workflow that it reports on, if it is one; or nothing when there is no such delivery
local status, at, id, is_workflow =
  unpack(redis.call('HMGET', job_key(ARGV[1]), 'reported_status', 'created_at', 'reported_job', 'reported_workflow'))
if not status then return {} end
return { status, at, id, redis.call('ZSCORE', DISABLED, ARGV[2]) or '', redis.call('HMGET', job_key(id), unpack(ARGV, 3)),
  is_workflow and redis.call('HGETALL', workflow_key(id)) or {} }
