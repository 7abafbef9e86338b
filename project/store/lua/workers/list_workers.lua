-- Who lives, and at what. ARGV: how many running jobs are looked at, the oldest of each shelf first.
-- -> per live worker its id, when its lease ends, then two lists: its fields and values in turn; of each job it runs
-- its id, shelf and when it started. The cost grows with the workers and what they run only.
local left, running = tonumber(ARGV[1]), {}

local function add(id, shelf)
  local token, started_at = unpack(redis.call('HMGET', job_key(id), 'token', 'started_at'))
  local worker = worker_of(token)
  if not worker then return end
  local jobs = running[worker] or {}
  jobs[#jobs + 1], jobs[#jobs + 2], jobs[#jobs + 3] = id, shelf, started_at
  running[worker] = jobs
end

for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
  for _, id in ipairs(left > 0 and redis.call('ZRANGE', index_key(shelf, 'running'), 0, left - 1) or {}) do
    left = left - 1
    add(id, shelf)
  end
end

local answer = {}
local leases = redis.call('ZRANGEBYSCORE', WORKERS, now(), '+inf', 'WITHSCORES')
for i = 1, #leases, 2 do
  local worker = leases[i]
  answer[#answer + 1] = { worker, leases[i + 1], redis.call('HGETALL', worker_key(worker)), running[worker] or {} }
end
return answer
