-- Start a mailing whose recipients have all been added: its job becomes due.
-- ARGV: mailing, seconds until expiry
-- Returns: 'started' | 'again' (it was started before) | 'closed' | 'unknown'
even_if_full()
local mailing = ARGV[1]
local status = redis.call('HGET', job_key(mailing), 'status')
if not status then return 'unknown' end
if redis.call('HEXISTS', about_key(mailing), 'started') == 1 then return 'again' end
if status ~= 'pending' then return 'closed' end
redis.call('HSET', about_key(mailing), 'started', now())
keep(mailing, ARGV[2])
if redis.call('ZSCORE', SCHEDULED, mailing) then redis.call('ZADD', SCHEDULED, 'XX', now(), mailing) end
return 'started'
