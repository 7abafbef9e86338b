local CAUSES = prefix .. 'causes'                   -- zset: fingerprint -> when a job failed last because of it
local CAUSE_COUNTS = prefix .. 'cause_counts'       -- hash: new and regression -> how often
local MAX_CAUSES = 1000                             -- the oldest is forgotten
local MAX_CAUSE_FIELDS = 2000                       -- hours and kinds of a cause
local CAUSE_HOURS = 168                             -- are kept

-- hash: headline, frames (JSON), count, first, job (an example), state, until, revision, regressions;
-- n:<hour since the epoch>:<kind> -> how many jobs failed then
local function cause_key(fingerprint) return prefix .. 'cause:' .. fingerprint end

-- Removes what was counted more than CAUSE_HOURS ago; once an hour for each cause and kind.
local function forget_old_hours(key, hour) -- rarely
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local counted = field:match('^n:(%d+):')
    if counted and tonumber(counted) <= hour - CAUSE_HOURS then redis.call('HDEL', key, field) end
  end
end

local function forget_oldest_causes() -- rarely
  for _, fingerprint in ipairs(redis.call('ZRANGE', CAUSES, 0, redis.call('ZCARD', CAUSES) - MAX_CAUSES - 1)) do
    redis.call('DEL', cause_key(fingerprint))
    redis.call('ZREM', CAUSES, fingerprint)
  end
end

-- Says in the events and the counters that a cause is new, or back after it was resolved.
local function tell_cause(job, fingerprint, news) -- rarely
  redis.call('HINCRBY', CAUSE_COUNTS, news, 1)
  append_event(job, job.status, job.attempts, 'cause', fingerprint, 'news', news)
end

local function open_cause(job, at, filing, key) -- rarely
  redis.call('HSET', key, 'headline', filing.headline, 'frames', cjson.encode(filing.frames or {}), 'first', at, 'state', 'open',
    'job', job.id)
  if redis.call('ZCARD', CAUSES) > MAX_CAUSES then forget_oldest_causes() end
  tell_cause(job, filing.fingerprint, 'new')
end

local function reopen_cause(job, filing, key) -- rarely
  redis.call('HSET', key, 'state', 'open', 'job', job.id)
  redis.call('HINCRBY', key, 'regressions', 1)
  redis.call('HINCRBY', key, 'revision', 1)
  tell_cause(job, filing.fingerprint, 'regression')
end

-- Files a job that has failed for good under its cause. filing: fingerprint, headline, frames. Call it after the transition.
local function file_failure(job, at, filing)
  local key, hour = cause_key(filing.fingerprint), math.floor(at / 3600)
  local count = redis.call('HINCRBY', key, 'count', 1)
  local in_hour = redis.call('HINCRBY', key, string.format('n:%d:', hour) .. job.kind, 1)
  redis.call('ZADD', CAUSES, at, filing.fingerprint)
  if count == 1 then return open_cause(job, at, filing, key) end
  if in_hour == 1 then
    forget_old_hours(key, hour)
    if redis.call('HLEN', key) > MAX_CAUSE_FIELDS then redis.call('HDEL', key, string.format('n:%d:', hour) .. job.kind) end
    redis.call('HSET', key, 'job', job.id)
  end
  if redis.call('HGET', key, 'state') == 'resolved' then reopen_cause(job, filing, key) end
end

-- The cause of a failure that a script finds. The text is without what differs from worker to worker.
local function build_filing(job, error) -- rarely
  local headline = error:gsub('worker %S+ died', 'worker <*> died'):gsub('%d[%d.]*', '<*>'):sub(1, 200)
  return { fingerprint = redis.sha1hex(headline .. '\n' .. job.kind):sub(1, 12), headline = headline }
end
