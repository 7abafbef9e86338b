-- Ends an attempt before its job is done, uncounted; the same message runs again after a delay. The attempt did not kill
-- its worker, so earlier deaths are forgotten. ARGV: id, token, delay (seconds), list, message, whether its lane waits as
-- long (1 | 0), the host that waits as long (JSON, see hold_host; '' = none)
-- -> verdict, or 'exhausted' (it has waited for its host so long that its attempts count)
local id, token, delay, list, message, slows_lane, held = unpack(ARGV)
local job, at = load_job(id), now()
local verdict = check_attempt(job, token, 'retrying')
if verdict ~= 'applied' then return verdict end
if held ~= '' and at - (redis.call('HGET', job.key, 'held_since') or at) > MAX_HELD_SECONDS then return 'exhausted' end
if cancel_if_requested(job, at) then return 'refused' end
redis.call('HDEL', job.key, 'deaths')
job.attempts = job.attempts - 1
job.outcome = 'postponed'
transition(job, 'retrying', at, 'attempts', job.attempts)
drop_held_message(token)
local switch = held ~= '' and note_hold(job, cjson.decode(held), tonumber(at), at + delay)
if switch then
  put_beside(job, in_lane(list, job.lane), message, switch, true, at, switch.until_at)
elseif slows_lane == '1' and not uses_other_broker then
  slow_lane_down(in_lane(list, job.lane), message, at, at + delay)
elseif tonumber(delay) > 0 or uses_other_broker then
  schedule(job, string.format('%.6f', tonumber(at) + tonumber(delay)), list, message)
else
  push_message(job.id, in_lane(list, job.lane), message)
end
return verdict
