-- A schedule is a hash: plan (JSON), revision, source; due (its next due time, missing when none follows); paused (why);
-- last (id of its last job), waiting (a due time whose job waits for the end of that job). tenant/name, if it has a tenant.
local function schedule_key(name) return prefix .. 'schedule:' .. name end
-- list: what was done about its due times, newest first: due, at, what, count, id of the job; between spaces
local function schedule_history_key(name) return prefix .. 'schedule_history:' .. name end
-- zset: the schedules of a tenant, like SCHEDULES
local function tenant_schedules_key(name)
  local tenant = name:match('^(.*)/')
  return tenant and prefix .. 'schedules:' .. tenant
end

-- Sets when the next job of a schedule is made; '+inf' = never.
local function set_fire_time(name, fire_at)
  redis.call('ZADD', SCHEDULES, fire_at, name)
  local key = tenant_schedules_key(name)
  if key then redis.call('ZADD', key, fire_at, name) end
end

local function note_firing(name, due, at, what, count, job)
  local key = schedule_history_key(name)
  local length = redis.call('LPUSH', key, table.concat({ due, at, what, count, job or '' }, ' '))
  if length > MAX_FIRINGS then redis.call('LTRIM', key, 0, MAX_FIRINGS - 1) end
end

-- Notes that due times have no job, and counts them.
local function note_skip(name, due, at, reason, count)
  redis.call('HINCRBY', SCHEDULE_COUNTS, 'skipped:' .. reason, count)
  note_firing(name, due, at, reason, count)
end

-- The job if it has not ended, else nil.
local function load_unfinished(id)
  local job = id and load_job(id)
  return job and not FINAL[job.status] and job or nil
end

-- Whether the last jobs of a schedule, so many, have all failed since it was resumed.
local function has_failed_in_a_row(name, limit)
  if limit == 0 then return false end
  local failed = 0
  for _, line in ipairs(redis.call('LRANGE', schedule_history_key(name), 0, -1)) do
    local what, id = line:match('^%S+ %S+ (%S+) %S+ (.*)$')
    local status = id ~= '' and redis.call('HGET', job_key(id), 'status')
    if what == 'resumed' or status == 'success' then return false end
    if status == 'failed' then failed = failed + 1 end
    if failed == limit then return true end
  end
  return false
end

-- Notes jobs of a schedule: jobs[i] was made if created[first + i - 1] is not ''. what: for the history -> how many were made
local function note_jobs(name, jobs, created, first, at, what)
  local made = 0
  for i, job in ipairs(jobs) do
    if created[first + i - 1] == '' then
      note_skip(name, job.due_at, at, 'duplicate', 1)
    else
      made = made + 1
      redis.call('HSET', schedule_key(name), 'last', job.id)
      note_firing(name, job.due_at, at, what, 1, job.id)
    end
  end
  redis.call('HINCRBY', SCHEDULE_COUNTS, 'made:' .. what, made)
  return made
end

local function pause_schedule(name, reason, at)
  local key = schedule_key(name)
  local waiting = redis.call('HGET', key, 'waiting')
  redis.call('HDEL', key, 'waiting')
  redis.call('HSET', key, 'paused', reason)
  set_fire_time(name, '+inf')
  if waiting then note_skip(name, waiting, at, 'paused', 1) end
  note_firing(name, at, at, 'paused', 1)
end

-- A schedule as answers have it: name, plan, revision, due, paused, waiting, its newest firing and the status of the job of
-- that; '' for what is missing
local function describe_schedule(name)
  local f = redis.call('HMGET', schedule_key(name), 'plan', 'revision', 'due', 'paused', 'waiting')
  if not f[1] then return {} end
  local firing = redis.call('LINDEX', schedule_history_key(name), 0) or ''
  local id = firing:match('^%S+ %S+ %S+ %S+ (.+)$')
  local status = id and redis.call('HGET', job_key(id), 'status')
  return { name, f[1], f[2], f[3] or '', f[4] or '', f[5] or '', firing, status or '' }
end
