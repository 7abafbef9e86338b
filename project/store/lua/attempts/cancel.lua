-- Cancels a job that waits; of a running job, asks its worker to stop it. ARGV: id, and of a job that waits why ('' =
-- somebody wanted it)
-- -> 'cancelled' | 'requested' (its worker will stop it) | 'final' | 'unknown'
even_if_full()
local job = load_job(ARGV[1])
if not job then return 'unknown' end
if FINAL[job.status] then return 'final' end
if job.status ~= 'running' then
  end_cancelled(job, now(), ARGV[2] ~= '' and ARGV[2] or nil)
  return 'cancelled'
end
redis.call('HSET', job.key, 'cancel', now())
redis.call('SADD', cancel_requests_key(worker_of(job.token)), job.id)
return 'requested'
