-- No further attempt. ARGV: id, token ('' = it never started), status (failed | cancelled), error, exception, news,
-- about the failure, the revival its message is from (left out when that does not matter) -> verdict
local id, token, status, error, exception, news, about, revival = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, status)
if token == '' and job and (job.status == 'pending' or job.status == 'retrying') then may = 'go' end
if revival and job and is_outdated(job, revival) then may = 'refused' end
if may ~= 'go' then return may end
fail(job, at, status, error, exception, news)
if status == 'failed' then keep_failure(job, at, job.attempts, token, 'null', about) end
return may
