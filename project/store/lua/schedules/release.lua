-- Makes the job of a due time that waited for the end of the last job.
-- ARGV: call_id, firing (JSON: name, revision, waiting (the due time), next_at (when the next job is made; missing when none
-- follows), jobs: the one), its payload, its message
-- -> 'fired' | 'held' (the last job has not ended) | 'changed'
local firing, at = cjson.decode(ARGV[2]), now()
local name, key = firing.name, schedule_key(firing.name)
local revision, paused, last, waiting = unpack(redis.call('HMGET', key, 'revision', 'paused', 'last', 'waiting'))
if revision ~= firing.revision or waiting ~= firing.waiting or paused then return 'changed' end
if load_unfinished(last) then return 'held' end
note_jobs(name, firing.jobs, enqueue_jobs(ARGV[1], firing.jobs, ARGV, 3), 1, at, 'fired')
redis.call('HDEL', key, 'waiting', 'next_at')
set_fire_time(name, firing.next_at or '+inf')
return 'fired'
