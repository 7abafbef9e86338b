-- Keeps a message whose job cannot start now. Of a running job until the lease of its worker could have ended, because the
-- message may be the only copy; of a suspect until another suspect has run. ARGV: id, retries, list, message
even_if_full()
local id, retries, list, message = unpack(ARGV)
local job, at = load_job(id), now()
local attempt = job and (job.status == 'running' and job.attempts - 1 or job.attempts)
if not job or FINAL[job.status] or job.status == 'waiting' or attempt ~= tonumber(retries) then return end
local ends = job.status == 'running' and redis.call('ZSCORE', WORKERS, worker_of(job.token) or '')
schedule(job, string.format('%.6f', ends and ends + 1 or tonumber(at) + random_delay(at)), list, message)
