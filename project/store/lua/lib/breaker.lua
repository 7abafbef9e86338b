-- A breaker holds a kind back whose attempts fail. In JSON, by kind: share (of failures that is too much) of (so many attempts)
-- within (seconds); hold (seconds). After these the switch lets one job run at a time: a success ends it, a failure holds again.
local function trip(job, breaker, at)
  local name = 'breaker:' .. job.kind
  set_switch({
    name = name, common = 'kind:' .. job.kind, kind = job.kind, action = 'hold', tries = true, until_at = at + breaker.hold,
    revision = redis.call('INCR', prefix .. 'limits:revision'),
  })
  redis.call('DEL', outcomes_key(job.kind))
  add_to_counter(job.kind_queue, 'breaker_trips', 1)
  return 'open'
end

-- Whether too many of the last attempts failed.
local function fails_too_often(outcomes, breaker, at)
  if #outcomes < breaker.of then return false end
  if at - outcomes[#outcomes]:match(' (.*)$') > breaker.within then return false end
  local failures = 0
  for _, outcome in ipairs(outcomes) do failures = failures + outcome:sub(1, 1) end
  return failures / #outcomes >= breaker.share
end

-- Counts how an attempt of a kind with a breaker ended. -> 'open' | 'closed', when that changed the breaker; else nil
local function note_outcome(job, status, at) -- rarely
  local is_failure = status == 'failed' or status == 'retrying'
  if not is_failure and status ~= 'success' then return nil end
  local breaker = cjson.decode(redis.call('HGET', BREAKERS, job.kind))
  local text = redis.call('HGET', LIMITS, 'breaker:' .. job.kind)
  if text then
    if tonumber(job.started_at) < cjson.decode(text).until_at then return nil end -- it ran already when the breaker opened
    if is_failure then return trip(job, breaker, at) end
    drop_switch('breaker:' .. job.kind, at)
    return 'closed'
  end
  local key = outcomes_key(job.kind)
  redis.call('LPUSH', key, (is_failure and '1 ' or '0 ') .. at)
  redis.call('LTRIM', key, 0, breaker.of - 1)
  redis.call('PEXPIRE', key, math.ceil(breaker.within * 1000))
  if is_failure and fails_too_often(redis.call('LRANGE', key, 0, -1), breaker, at) then return trip(job, breaker, at) end
end
