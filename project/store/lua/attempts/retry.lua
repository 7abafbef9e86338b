-- Ends an attempt that failed; the message of the next one waits until it is due.
-- ARGV: attempt (JSON: id, token, delay in seconds, queue and list of the next message, max_retries, perhaps
-- exception), error, message, cause (JSON, see
-- append_failure) -> verdict
local attempt, error, message, cause = cjson.decode(ARGV[1]), unpack(ARGV, 2)
local job, at, token = load_job(attempt.id), now(), attempt.token
local verdict = check_attempt(job, token, 'retrying')
if verdict ~= 'applied' then return verdict end
if cancel_if_requested(job, at) then return 'refused' end
move_to(job, job.kind, attempt.queue)
transition(job, 'retrying', at, 'error', error, 'exception', attempt.exception, 'max_retries', attempt.max_retries)
schedule(job, string.format('%.6f', tonumber(at) + attempt.delay), attempt.list, message)
append_failure(job, at, job.attempts, token, attempt.delay, cause)
return verdict
