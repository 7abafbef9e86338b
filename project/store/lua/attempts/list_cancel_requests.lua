-- The running jobs that a worker is asked to stop. ARGV: worker -> of each its id and token
local key, requests = cancel_requests_key(ARGV[1]), {}
for _, id in ipairs(redis.call('SMEMBERS', key)) do
  local job = load_job(id)
  if job and job.status == 'running' and worker_of(job.token) == ARGV[1] then
    requests[#requests + 1] = id
    requests[#requests + 1] = job.token
  else
    redis.call('SREM', key, id)
  end
end
return requests
