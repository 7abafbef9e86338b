-- Somebody wants a job stopped. ARGV: id
-- -> 'cancelled' (it had not started) | 'requested' (its worker is told) | 'final' | 'unknown'
even_if_full()
local job = load(ARGV[1])
if not job then return 'unknown' end
if FINAL[job.status] then return 'final' end
if job.status ~= 'running' then
  cancel(job, now())
  return 'cancelled'
end
redis.call('HSET', job.key, 'cancel', now())
redis.call('SADD', cancelling_key(worker_of(job.token)), job.id)
return 'requested'
