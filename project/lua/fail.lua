-- No further attempt. ARGV: id, token ('' = it never started), status (failed | cancelled), error, exception, news,
-- about the failure. -> verdict
local id, token, status, error, exception, news, about = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, status)
if token == '' and job and (job.status == 'pending' or job.status == 'retrying') then may = 'go' end
if may ~= 'go' then return may end
fail(job, at, status, error, exception, news)
if status == 'failed' then keep_failure(job, at, job.attempts, token, 'null', about) end
return may
