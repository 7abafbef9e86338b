-- Ends a job without success; there is no further attempt.
-- ARGV: attempt (JSON: id; token, '' = it never started; status, failed | cancelled; perhaps rerun_id, that of its message, children, and
-- canvas, what follows the job, for a rerun, and fingerprint, that of its cause),
-- error, exception, result message, cause (JSON, see append_failure), filing (JSON, see file_failure) -> verdict
local attempt, error, exception, result_message, cause, filing = cjson.decode(ARGV[1]), unpack(ARGV, 2)
local job, at, token, status = load_job(attempt.id), now(), attempt.token, attempt.status
local verdict = check_attempt(job, token, status)
if token == '' and job and (job.status == 'pending' or job.status == 'retrying') then verdict = 'applied' end
if attempt.rerun_id and job and is_outdated(job, attempt.rerun_id) then verdict = 'refused' end
if verdict ~= 'applied' then return verdict end
end_failed(job, at, status, error, exception, result_message, status == 'failed' and attempt.fingerprint or nil, filing)
if redis.call('HEXISTS', job.key, 'canvas') == 1 then redis.call('HSET', job.key, 'aftermath', 1) end
if attempt.canvas then redis.call('HSET', job.key, 'canvas', attempt.canvas) end
if attempt.children then redis.call('HSET', job.key, 'children', attempt.children) end
if status == 'failed' then append_failure(job, at, job.attempts, token, 'null', cause) end
return verdict
