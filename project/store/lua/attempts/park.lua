-- A message whose job was busy waits: for a job that runs until its worker's lease could have ended, in case that one
-- dies and the broker has no other copy; for a suspect until another has run. ARGV: id, retries, queue, message
even_if_full()
local id, retries, queue, message = unpack(ARGV)
local job, at = load(id), now()
local attempt = job and (job.status == 'running' and job.attempts - 1 or job.attempts)
if not job or FINAL[job.status] or attempt ~= tonumber(retries) then return end
local ends = job.status == 'running' and redis.call('ZSCORE', WORKERS, worker_of(job.token) or '')
schedule(job, string.format('%.6f', ends and ends + 1 or tonumber(at) + apart(at)), queue, message)
