-- An attempt is about to do what must be done once. ARGV: id, token, key, call (names this call, also when it is asked
-- again after a lost answer) -> 1, or 0 when it was begun before
even_if_full()
local id, token, key, call = unpack(ARGV)
local job = load(id)
if verdict(job, token, 'running') ~= 'go' then return 0 end
redis.call('HSETNX', job.key, 'once:' .. key, call)
return redis.call('HGET', job.key, 'once:' .. key) == call and 1 or 0
