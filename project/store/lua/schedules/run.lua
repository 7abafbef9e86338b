-- Makes jobs of a schedule that are not due now. ARGV: call_id, order (JSON: name, overlap, what: 'run' | 'backfilled', jobs:
-- see fire), then of each job its payload and its message
-- -> 'made', how many (the others had been made before) | 'unknown' | 'unfinished', id of the job that has not ended
local call_id, order = ARGV[1], cjson.decode(ARGV[2])
local key = schedule_key(order.name)
if redis.call('EXISTS', key) == 0 then return { 'unknown' } end
local unfinished = order.overlap ~= 'allow' and load_unfinished(redis.call('HGET', key, 'last')) or nil
if unfinished then return { 'unfinished', unfinished.id } end
local created = enqueue_jobs(call_id, order.jobs, ARGV, 3)
return { 'made', note_jobs(order.name, order.jobs, created, 1, now(), order.what) }
