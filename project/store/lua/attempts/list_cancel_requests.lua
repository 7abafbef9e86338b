-- The jobs that a worker is asked to stop. ARGV: worker -> for each its id and token
local asked = {}
for _, id in ipairs(redis.call('SMEMBERS', cancelling_key(ARGV[1]))) do
  local job = load(id)
  if job and job.status == 'running' and worker_of(job.token) == ARGV[1] then
    asked[#asked + 1] = id
    asked[#asked + 1] = job.token
  else
    redis.call('SREM', cancelling_key(ARGV[1]), id)
  end
end
return asked
