-- Ends an attempt whose job is replaced, and enqueues what replaces it: one job with the same id, or others of which the last
-- has that id and comes later; the record waits for it. The replacement starts anew: its attempts, deaths, claims and steps
-- count from none.
-- ARGV: attempt (JSON: id, token), call_id, jobs (JSON array), then of each job its payload and its message, see enqueue
-- -> verdict
local attempt, call_id, jobs = cjson.decode(ARGV[1]), ARGV[2], cjson.decode(ARGV[3])
local job, at = load_job(attempt.id), now()
if job and redis.call('HGET', job.key, 'replaced') == attempt.token then return 'repeated' end
local verdict = check_attempt(job, attempt.token, 'pending')
if verdict ~= 'applied' then return verdict end
if cancel_if_requested(job, at) then return 'refused' end
redis.call('HDEL', job.key, 'deaths', 'progress', 'early', 'rerun_id', 'canvas')
forget_steps(job)
drop_held_message(attempt.token)
job.attempts, job.outcome = 0, 'replaced'
transition(job, 'pending', at, 'attempts', 0, 'token', '', 'replaced', attempt.token, 'awaits', 1)
enqueue_jobs(call_id, jobs, ARGV, 4)
return verdict
