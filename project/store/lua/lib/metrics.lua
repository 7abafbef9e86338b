-- What an operator wants to know is counted, for ever; a counter that is read twice tells what was between.
local function tally(shelf, what, amount) redis.call('HINCRBY', meter_key(shelf), what, amount) end

-- What has been counted by now of all jobs: the time, then how many were ordered, succeeded, failed and were cancelled,
-- then how long attempts had waited, by bucket; numbers between spaces.
local function sums(at)
  local ordered, ended, waits = 0, { success = 0, failed = 0, cancelled = 0 }, {}
  for i = 1, 24 do waits[i] = 0 end
  local function add(name, amount)
    local what, bucket = name:match('^(%a+)(%d+)$')
    what = what or name:match('^unrun:(%a+)$')
    if name == 'enqueued' then ordered = ordered + amount end
    if what == 'wait' then waits[bucket + 1] = waits[bucket + 1] + amount end
    if ended[what] then ended[what] = ended[what] + amount end
  end
  for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
    local counted = redis.call('HGETALL', meter_key(shelf))
    for i = 1, #counted, 2 do add(counted[i], tonumber(counted[i + 1])) end
  end
  return table.concat({ at, ordered, ended.success, ended.failed, ended.cancelled, unpack(waits) }, ' ')
end

-- How long something took: in the bucket of its time, below 2^n milliseconds, and in the sum of microseconds.
local function clock_up(shelf, what, since, at)
  local micros = math.max(math.floor((at - since) * 1e6 + 0.5), 0)
  local _, bucket = math.frexp(micros / 1000)
  local key = meter_key(shelf)
  redis.call('HINCRBY', key, what .. (bucket < 0 and 0 or bucket > 23 and 23 or bucket), 1)
  redis.call('HINCRBY', key, what .. 'us', micros)
end

-- An attempt begins (its job has waited till now), or ends; or a job ends that waits.
local function meter(job, status, at)
  if job.status == 'running' then
    clock_up(shelf_of(job.label), job.outcome or status, job.started_at, at)
  elseif status == 'running' then
    clock_up(shelf_of(job.label), 'wait', job.updated_at, at)
  elseif status ~= 'pending' and status ~= 'retrying' then
    tally(shelf_of(job.label), 'unrun:' .. status, 1)
  end
end
