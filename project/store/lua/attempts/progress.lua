-- Stores how far a running attempt is. ARGV: id, token, progress (JSON) -> verdict
local id, token, progress = unpack(ARGV)
local job = load_job(id)
local verdict = check_attempt(job, token, 'running')
if verdict == 'applied' then
  redis.call('HSET', job.key, 'progress', progress)
  append_event(job, job.status, job.attempts, 'progress', progress)
end
return verdict
