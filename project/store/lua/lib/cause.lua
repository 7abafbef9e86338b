local CAUSES = prefix .. 'causes'                   -- zset: fingerprint -> when a job failed last because of it
local CAUSE_COUNTS = prefix .. 'cause_counts'       -- hash: new and regression -> how often
local MAX_CAUSES = 1000                             -- the oldest is forgotten
local MAX_CAUSE_FIELDS = 2000                       -- hours and kinds of a cause
local CAUSE_HOURS = 168                             -- are kept

-- hash: headline, frames (JSON), first, job (an example), state, until, revision, regressions; how many jobs failed:
-- n:<hour since the epoch>:<kind>, m:<the same>, before the cause was resolved in that hour, and past, before all of these hours
local function cause_key(fingerprint) return prefix .. 'cause:' .. fingerprint end

-- Counts what was counted more than CAUSE_HOURS ago, and what finds no place, as past; once an hour for each cause and kind.
local function fold_hours(key, hour, name) -- rarely
  local function fold(field) redis.call('HINCRBY', key, 'past', redis.call('HGET', key, field)); redis.call('HDEL', key, field) end
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local counted = field:match('^[nm]:(%d+):')
    if counted and tonumber(counted) <= hour - CAUSE_HOURS then fold(field) end
  end
  if redis.call('HLEN', key) > MAX_CAUSE_FIELDS then fold(name) end
end

-- Lets the next failure of each kind be the first of its hour, which looks at the state.
local function close_hour(key, hour) -- rarely
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local name = field:match('^n:(' .. string.format('%d', hour) .. ':.*)$')
    if name then
      redis.call('HINCRBY', key, 'm:' .. name, redis.call('HGET', key, field))
      redis.call('HDEL', key, field)
    end
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

local function open_cause(job, fingerprint, filing, key) -- rarely
  filing = cjson.decode(filing)
  redis.call('HSET', key, 'headline', filing.headline, 'frames', cjson.encode(filing.frames or {}), 'state', 'open')
  if redis.call('ZCARD', CAUSES) > MAX_CAUSES then forget_oldest_causes() end
  tell_cause(job, fingerprint, 'new')
end

local function reopen_cause(job, fingerprint, key) -- rarely
  redis.call('HSET', key, 'state', 'open')
  redis.call('HINCRBY', key, 'regressions', 1)
  redis.call('HINCRBY', key, 'revision', 1)
  tell_cause(job, fingerprint, 'regression')
end

-- The first failure of a cause and a kind in an hour, or since people said something of it.
local function file_first_failure(job, at, fingerprint, filing, key, hour, name) -- rarely
  redis.call('HSET', key, 'job', job.id)
  if redis.call('HSETNX', key, 'first', at) == 1 then return open_cause(job, fingerprint, filing, key) end
  fold_hours(key, hour, name)
  if redis.call('HGET', key, 'state') == 'resolved' then reopen_cause(job, fingerprint, key) end
end

-- Files a job that has failed for good under its cause. filing: JSON of headline and frames. Call it after the transition.
local function file_failure(job, at, fingerprint, filing)
  local key, hour = cause_key(fingerprint), math.floor(at / 3600)
  local name = 'n:' .. string.format('%d:', hour) .. job.kind
  redis.call('ZADD', CAUSES, at, fingerprint)
  if redis.call('HINCRBY', key, name, 1) == 1 then file_first_failure(job, at, fingerprint, filing, key, hour, name) end
end

-- The cause of a failure that a script finds. The text is without what differs from worker to worker.
local function build_filing(job, error) -- rarely
  local headline = error:gsub('worker %S+ died', 'worker <*> died'):gsub('%d[%d.]*', '<*>'):sub(1, 200)
  return redis.sha1hex(headline .. '\n' .. job.kind):sub(1, 12), cjson.encode({ headline = headline })
end
