-- Deletes the record of a job that has ended, before its retention is over. ARGV: id -> 1, or 0 when there is none or it has
-- not ended
local job = load_job(ARGV[1])
if not job or not FINAL[job.status] then return 0 end
local unique, canvas = unpack(redis.call('HMGET', job.key, 'unique', 'canvas_of'))
leave_canvas(job.id, canvas)
update_indexes('ZREM', job, job.status, job.id)
redis.call('DEL', job_key(job.id), log_key(job.id), log_files_key(job.id))
if unique and redis.call('GET', unique) == job.id then redis.call('DEL', unique) end
return 1
