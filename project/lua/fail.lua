-- No further attempt. ARGV: id, token ('' = it never started), status (failed | cancelled), error, exception, news, the
-- revival its message is from (left out when that does not matter) -> verdict
local id, token, status, error, exception, news, revival = unpack(ARGV)
local job = load(id)
local may = verdict(job, token, status)
if token == '' and job and (job.status == 'pending' or job.status == 'retrying') then may = 'go' end
if revival and job and is_outdated(job, revival) then may = 'refused' end
if may == 'go' then fail(job, now(), status, error, exception, news) end
return may
