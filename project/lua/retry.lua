-- The attempt failed and there is another: the next message waits until it is due.
-- ARGV: id, token, error, delay (seconds), shelf, queue, message. -> verdict
local id, token, error, delay, shelf, queue, message = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, 'retrying')
if may ~= 'go' then return may end
if cancel_if_asked(job, at) then return 'refused' end
move(job, 'retrying', at, 'error', error)
refile(job, shelf)
schedule(job, string.format('%.6f', tonumber(at) + tonumber(delay)), queue, message)
return may
