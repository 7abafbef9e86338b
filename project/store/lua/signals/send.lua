-- Sends a signal to a job. The first of a name counts; one that comes before its wait is kept. A wait ends with a signal or with
-- its time, whichever is first by the clock of Redis.
-- ARGV: id, name, the signal (JSON) -> 'sent' (the job goes on) | 'kept' | 'repeated' (the same came before) | 'other' (another
-- of this name did) | 'late' (the time of the wait is over) | 'final' (the job has ended) | 'many' (too many are kept) | 'unknown'
local id, name, signal = unpack(ARGV)
local job, at, field = load_job(id), now(), signal_field(name)
if not job then return 'unknown' end
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
