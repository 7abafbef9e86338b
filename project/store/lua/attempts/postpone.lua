-- Ends an attempt before its job is done, uncounted; the same message runs again after a delay. The attempt did not kill
-- its worker, so earlier deaths are forgotten. ARGV: id, token, delay (seconds), list, message, whether its lane waits as
-- long (1 | 0) -> verdict
local id, token, delay, list, message, slows_lane = unpack(ARGV)
local job, at = load_job(id), now()
local verdict = check_attempt(job, token, 'retrying')
if verdict ~= 'applied' then return verdict end
if cancel_if_requested(job, at) then return 'refused' end
redis.call('HDEL', job.key, 'deaths')
job.attempts = job.attempts - 1
job.outcome = 'postponed'
transition(job, 'retrying', at, 'attempts', job.attempts)
drop_held_message(token)
if slows_lane == '1' and not uses_other_broker then
  slow_lane_down(in_lane(list, job.lane), message, at, at + delay)
elseif tonumber(delay) > 0 or uses_other_broker then
  schedule(job, string.format('%.6f', tonumber(at) + tonumber(delay)), list, message)
else
  push_message(job.id, in_lane(list, job.lane), message)
end
return verdict
