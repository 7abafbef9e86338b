-- Sets what people say of a cause. ARGV: fingerprint, state, until ('' = no end), the revision that it is for ('' = any)
-- -> 1, 0: it has another revision, -1: there is none
local fingerprint, state, until_, revision = unpack(ARGV)
local key = cause_key(fingerprint)
if redis.call('EXISTS', key) == 0 then return -1 end
if revision ~= '' and (redis.call('HGET', key, 'revision') or '0') ~= revision then return 0 end
redis.call('HDEL', key, 'until')
redis.call('HSET', key, 'state', state)
if state == 'resolved' then close_hour(key, math.floor(clock() / 3600)) end
if until_ ~= '' then redis.call('HSET', key, 'until', until_) end
redis.call('HINCRBY', key, 'revision', 1)
return 1
