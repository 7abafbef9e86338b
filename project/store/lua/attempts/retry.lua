-- The attempt failed and there is another: the next message waits until it is due.
-- ARGV: id, token, error, delay (seconds), shelf, queue, message, about the failure. -> verdict
local id, token, error, delay, shelf, queue, message, about = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, 'retrying')
if may ~= 'go' then return may end
if cancel_if_asked(job, at) then return 'refused' end
refile(job, shelf)
move(job, 'retrying', at, 'error', error)
schedule(job, string.format('%.6f', tonumber(at) + tonumber(delay)), queue, message)
keep_failure(job, at, job.attempts, token, delay, about)
return may
