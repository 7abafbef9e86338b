-- A job waits in one place at a time, its field `wait` (JSON): started_at, ends_at, then what the attempt says of it: name, kind
-- (signal | sleep) and what people are asked. The field stays until an attempt has seen how the wait ended.
-- A signal is kept in the field signal:<name> as its JSON; TIMED_OUT stands there when the time was over first.
local TIMED_OUT = '@timeout'
local MAX_SIGNALS = 100 -- names of a job that nobody waits for yet

local function signal_field(name) return 'signal:' .. name end

-- The wait that is open, nil if none is.
local function load_wait(job)
  local text = redis.call('HGET', job.key, 'wait')
  return text and cjson.decode(text) or nil
end

-- Ends the wait of a running attempt: adds it to the steps that are done. how: signal | timeout | sleep
local function close_wait(job, name, started_at, at, how)
  redis.call('HDEL', job.key, 'wait')
  local line = string.format('{"name":%s,"started_at":%s,"finished_at":%s,"wait":"%s"}\n', cjson.encode(name), started_at, at, how)
  redis.call('HSET', job.key, 'steps', (redis.call('HGET', job.key, 'steps') or '') .. line)
end

-- Lets a waiting job go on from its beginning.
local function resume_waiting(job, at) -- rarely
  local list, message = job.message_list, redis.call('HGET', job.key, 'message')
  transition(job, 'pending', at)
  if not message then return end
  message = lengthen_message(message, job.id)
  if uses_other_broker then
    schedule(job, at, list, message) -- the round that promotes what is due sends it
  else
    push_message(job.id, list, message)
  end
end

-- Sends a signal to a job; see signals/send.
local function send_signal(job, name, signal, at) -- rarely
  local field = signal_field(name)
  local before = redis.call('HGET', job.key, field)
  if before == signal then return 'repeated' end
  if before then return before == TIMED_OUT and 'late' or 'other' end
  if FINAL[job.status] then return 'final' end

  local wait = load_wait(job)
  if not (wait and wait.kind == 'signal' and wait.name == name) then
    if tonumber(redis.call('HGET', job.key, 'signals') or 0) >= MAX_SIGNALS then return 'many' end
    redis.call('HSET', job.key, field, signal)
    redis.call('HINCRBY', job.key, 'signals', 1)
    return 'kept'
  end
  if wait.ends_at <= tonumber(at) then return 'late' end
  redis.call('HSET', job.key, field, signal)
  if job.status == 'waiting' then resume_waiting(job, at) end
  return 'sent'
end

-- Before a job runs again because someone asked for it: what it waited for begins anew, also the wait that ended it.
local function renew_wait(job) -- rarely
  redis.call('HDEL', job.key, 'wait')
  local steps = redis.call('HGET', job.key, 'steps') or ''
  local last = steps:match('[^\n]+\n$')
  if not last then return end
  local step = cjson.decode(last)
  if step.wait ~= 'timeout' then return end
  redis.call('HDEL', job.key, signal_field(step.name))
  redis.call('HSET', job.key, 'steps', steps:sub(1, -#last - 1))
end
