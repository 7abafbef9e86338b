-- No further attempt. ARGV: id, token ('' = it never started), status (failed | cancelled), error, exception, news.
-- -> verdict
local id, token, status, error, exception, news = unpack(ARGV)
local job = load(id)
local may = verdict(job, token, status)
if token == '' and job and (job.status == 'pending' or job.status == 'retrying') then may = 'go' end
if may == 'go' then fail(job, now(), status, error, exception, news) end
return may
