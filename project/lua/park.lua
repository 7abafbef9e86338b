-- A message whose job was busy waits: for a job that runs until its worker's lease could have ended, in case that one
-- dies and the broker has no other copy; for a suspect until another has run. ARGV: id, queue, message
even_if_full()
local job, at = load(ARGV[1]), tonumber(now())
if not job or FINAL[job.status] or redis.call('ZSCORE', SCHEDULED, job.id) then return end
local ends = job.status == 'running' and redis.call('ZSCORE', WORKERS, worker_of(job.token) or '')
schedule(job, string.format('%.6f', ends and ends + 1 or at + apart(now())), ARGV[2], ARGV[3])
