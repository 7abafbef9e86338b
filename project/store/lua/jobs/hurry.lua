-- A job that waits for its time is due now. ARGV: id -> 1, or 0 when it does not wait
even_if_full()
local at = now()
local due = redis.call('ZSCORE', SCHEDULED, ARGV[1])
if not due then return 0 end
if tonumber(due) > tonumber(at) then redis.call('ZADD', SCHEDULED, at, ARGV[1]) end
return 1
