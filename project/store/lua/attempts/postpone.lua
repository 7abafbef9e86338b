-- The attempt ends before its job is done, and is not counted: the same message again, when it is due. It has not killed
-- its worker, so deaths before it are forgotten.
-- ARGV: id, token, delay (seconds), queue, message. -> verdict
local id, token, delay, queue, message = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, 'retrying')
if may ~= 'go' then return may end
if cancel_if_asked(job, at) then return 'refused' end
redis.call('HDEL', job.key, 'deaths')
job.attempts = job.attempts - 1
job.outcome = 'postponed'
move(job, 'retrying', at, 'attempts', job.attempts)
if tonumber(delay) > 0 or elsewhere then
  schedule(job, string.format('%.6f', tonumber(at) + tonumber(delay)), queue, message)
else
  push(job.id, queue, message)
end
return may
