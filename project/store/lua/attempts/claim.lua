-- Claims something that the job must do once, for one attempt. ARGV: id, token, key, call_id (names this call, so that a
-- repetition after a lost answer is recognised) -> 1, or 0 when it was claimed before
even_if_full()
local id, token, key, call_id = unpack(ARGV)
local job = load_job(id)
if check_attempt(job, token, 'running') ~= 'applied' then return 0 end
redis.call('HSETNX', job.key, 'once:' .. key, call_id)
return redis.call('HGET', job.key, 'once:' .. key) == call_id and 1 or 0
