-- Runs a failed or cancelled job again: same id; its attempts are counted on, its deaths are forgotten.
-- ARGV: job (JSON: id, list, max_retries, attempts so far, rerun_id; if wanted due or delay, callback, repeats: also when it
-- succeeded, and keeps_steps: it skips the steps that it has finished), its payload, its message
-- -> 1 (also when this rerun_id was applied before), or 0: the job is not in such a state (any more), it waits for
-- a job before it in its canvas, or another unfinished job has its unique key
even_if_full()
local wanted, payload, message = cjson.decode(ARGV[1]), ARGV[2], ARGV[3]
local job = load_job(wanted.id)
if not job then return 0 end
if job.rerun_id == wanted.rerun_id then return 1 end
local is_over = FINAL[job.status] and (wanted.repeats or job.status ~= 'success')
if not is_over or job.attempts ~= wanted.attempts then return 0 end
local is_unsent, canvas, aftermath = unpack(redis.call('HMGET', job.key, 'unsent', 'canvas', 'aftermath'))
if is_unsent or canvas and aftermath then return 0 end -- the rest of its canvas is being told that it failed
local unique = redis.call('HGET', job.key, 'unique')
local holder = unique and redis.call('GET', unique)
if holder and holder ~= job.id then
  local other = load_job(holder)
  if other and not FINAL[other.status] then return 0 end
end
if job.status == 'success' or not wanted.keeps_steps then forget_steps(job) end
renew_wait(job)
redis.call('HDEL', job.key, 'finished_at', 'result', 'exception', 'cancel', 'deaths', 'awaits', 'state', 'aftermath',
  'early', 'held_since')
local payload_before = redis.call('HGET', job.key, 'payload')
if payload_before and payload_before ~= payload then redis.call('HSET', job.key, 'payload_before', payload_before) end
transition(job, 'pending', now(), 'max_retries', wanted.max_retries, 'token', '', 'payload', payload, 'rerun_id', wanted.rerun_id)
if wanted.callback then redis.call('HSET', job.key, 'callback', wanted.callback) end
local due = due_time(wanted, now())
if due then
  schedule(job, due, wanted.list, message)
else
  push_message(job.id, in_lane(wanted.list, job.lane), message)
end
if unique then redis.call('SET', unique, job.id) end
if job.workflow then note_node_rerun(job, now()) end
return 1
