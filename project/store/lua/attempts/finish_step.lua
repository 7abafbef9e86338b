-- Stores the result of a step that a running attempt has finished; later attempts skip it.
-- ARGV: id, token, name, seconds that the step took, result (see project/job/running/steps.py) -> verdict
even_if_full()
local id, token, name, seconds, result = unpack(ARGV)
local job, at = load_job(id), now()
local verdict = check_attempt(job, token, 'running')
if verdict ~= 'applied' then return verdict end
if redis.call('HSETNX', job.key, 'step:' .. name, result) == 0 then return 'repeated' end
local line = string.format('{"name":%s,"started_at":%.6f,"finished_at":%s}\n', cjson.encode(name), at - seconds, at)
redis.call('HSET', job.key, 'steps', (redis.call('HGET', job.key, 'steps') or '') .. line)
return verdict
