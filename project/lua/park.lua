-- Another live worker is at the job: this copy of its message waits until that one's lease could have ended, in case it
-- dies and the broker has no other copy. Any move of the job drops it. ARGV: id, queue, message -> seconds it waits
even_if_full()
local job = load(ARGV[1])
local ends = job and job.status == 'running' and redis.call('ZSCORE', WORKERS, worker_of(job.token))
if not ends then return nil end
schedule(job, string.format('%.6f', ends + 1), ARGV[2], ARGV[3])
return ends
