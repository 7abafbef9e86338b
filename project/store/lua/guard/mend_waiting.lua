-- Mends a waiting job whose message is nowhere: one that is on the record is sent, else the job fails.
-- ARGV: id, when the record changed last -> 'requeued' | 'failed' | '' (the record has changed)
even_if_full()
local job, at = load_job(ARGV[1]), now()
if not job or job.updated_at ~= ARGV[2] or FINAL[job.status] or job.status == 'running' then return '' end
local message = job.message_list and redis.call('HGET', job.key, 'message')
local how = message and 'requeued' or 'failed'
if message then
  schedule(job, at, job.message_list, message)
else
  fail_as_broken(job, at, 'its message is nowhere')
end
add_to_counter(job.kind_queue, 'mended:' .. how, 1)
return how
