-- The live workers and what they run. ARGV: how many running jobs are read at most, the oldest of each kind and queue first
-- -> of each worker its id, when its lease ends, its fields and values in turn, and of each job that it runs its id, its kind
-- and when it started. The cost grows only with the workers and what they run.
local left, running = tonumber(ARGV[1]), {}

local function add(id)
  local kind, token, started_at = unpack(redis.call('HMGET', job_key(id), 'kind', 'token', 'started_at'))
  local worker = worker_of(token)
  if not worker then return end
  local jobs = running[worker] or {}
  jobs[#jobs + 1], jobs[#jobs + 2], jobs[#jobs + 3] = id, kind, started_at
  running[worker] = jobs
end

for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  for _, id in ipairs(left > 0 and redis.call('ZRANGE', index_key(kind_queue, 'running'), 0, left - 1) or {}) do
    left = left - 1
    add(id)
  end
end

local answer = {}
local leases = redis.call('ZRANGEBYSCORE', WORKERS, now(), '+inf', 'WITHSCORES')
for i = 1, #leases, 2 do
  local worker = leases[i]
  answer[#answer + 1] = { worker, leases[i + 1], redis.call('HGETALL', worker_key(worker)), running[worker] or {} }
end
return answer
