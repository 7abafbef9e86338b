-- Counters only grow; the difference of two readings is what happened in between.
local function add_to_counter(kind_queue, name, amount) return redis.call('HINCRBY', counters_key(kind_queue), name, amount) end

-- The sums over all jobs: the time, then how many were enqueued, succeeded, failed and were cancelled, then how long
-- attempts had waited, by bucket; numbers between spaces.
local function sum_counters(at)
  local enqueued, ended, waits = 0, { success = 0, failed = 0, cancelled = 0 }, {}
  for i = 1, 24 do waits[i] = 0 end
  local function add(name, amount)
    local what, bucket = name:match('^(%a+)(%d+)$')
    what = what or name:match('^unrun:(%a+)$')
    if name == 'enqueued' then enqueued = enqueued + amount end
    if what == 'wait' then waits[bucket + 1] = waits[bucket + 1] + amount end
    if ended[what] then ended[what] = ended[what] + amount end
  end
  for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
    local counted = redis.call('HGETALL', counters_key(kind_queue))
    for i = 1, #counted, 2 do add(counted[i], tonumber(counted[i + 1])) end
  end
  return table.concat({ at, enqueued, ended.success, ended.failed, ended.cancelled, unpack(waits) }, ' ')
end

-- Counts a duration: in its bucket (the first whose bound of 2^n milliseconds it is below) and in the sum of microseconds.
local function count_duration(kind_queue, name, since, at, other_key)
  local micros = math.max(math.floor((at - since) * 1e6 + 0.5), 0)
  local _, bucket = math.frexp(micros / 1000)
  local key = other_key or counters_key(kind_queue)
  redis.call('HINCRBY', key, name .. (bucket < 0 and 0 or bucket > 23 and 23 or bucket), 1)
  redis.call('HINCRBY', key, name .. 'us', micros)
end

-- Counts what a transition ends: an attempt, the wait before one, or a job of which no attempt runs.
local function count_transition(job, status, at)
  if job.status == 'running' then
    count_duration(job.kind_queue, job.outcome or status, job.started_at, at)
  elseif status == 'running' then
    count_duration(job.kind_queue, 'wait', job.updated_at, at)
  elseif status ~= 'pending' and status ~= 'retrying' then
    add_to_counter(job.kind_queue, 'unrun:' .. status, 1)
  end
end
