-- A job that failed or was cancelled is to run again: same id, its attempts counted on, its deaths forgotten.
-- ARGV: id, call (names this wish, also when it is asked again after a lost answer), attempts so far, max_retries,
-- payload, queue, message, due ('' = now), whether it may have succeeded ('1') -> 1, or 0 when it is not in such a state
-- (any more), or another unfinished job has its unique key
even_if_full()
local id, call, attempts, max_retries, payload, queue, message, due, repeats = unpack(ARGV)
local job = load(id)
if not job then return 0 end
if job.revival == call then return 1 end
local ended = FINAL[job.status] and (repeats == '1' or job.status ~= 'success')
if not ended or job.attempts ~= tonumber(attempts) then return 0 end
local unique = redis.call('HGET', job.key, 'unique')
local holder = unique and redis.call('GET', unique)
if holder and holder ~= id then
  local other = load(holder)
  if other and not FINAL[other.status] then return 0 end -- it has the unique key of this one now
end
redis.call('HDEL', job.key, 'finished_at', 'result', 'exception', 'cancel', 'deaths')
move(job, 'pending', now(), 'max_retries', max_retries, 'token', '', 'payload', payload, 'revival', call)
due = keep_callback(id, due)
if due ~= '' then schedule(job, due, queue, message) else push(id, queue, message) end
if unique then redis.call('SET', unique, id) end
return 1
