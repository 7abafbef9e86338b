-- Stores a state that a job chose itself, such as PROGRESS. ARGV: id, token ('' = from outside, of any unfinished job), state
-- (JSON), progress (JSON, '' = none), result message (published for those who wait for the result) -> verdict
even_if_full()
local id, token, state, progress, result_message = unpack(ARGV)
local job, verdict = load_job(id), nil
if token ~= '' then
  verdict = check_attempt(job, token, 'running')
else
  verdict = job and not FINAL[job.status] and 'applied' or 'refused'
end
if verdict ~= 'applied' then return verdict end
redis.call('HSET', job.key, 'state', state, 'state_attempt', token ~= '' and job.attempts or '')
if progress ~= '' then
  redis.call('HSET', job.key, 'progress', progress)
  append_event(job, job.status, job.attempts, 'progress', progress)
end
publish_result(id, result_message)
return verdict
