-- All recipients of a blast have been added: it is due now. ARGV: blast, seconds kept
-- -> 'started' | 'again' (it was) | 'closed' | 'unknown'
even_if_full()
local blast = ARGV[1]
local status = redis.call('HGET', job_key(blast), 'status')
if not status then return 'unknown' end
if redis.call('HEXISTS', about_key(blast), 'started') == 1 then return 'again' end
if status ~= 'pending' then return 'closed' end
redis.call('HSET', about_key(blast), 'started', now())
keep(blast, ARGV[2])
if redis.call('ZSCORE', SCHEDULED, blast) then redis.call('ZADD', SCHEDULED, 'XX', now(), blast) end
return 'started'
