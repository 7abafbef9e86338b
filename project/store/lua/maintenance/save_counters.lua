-- Saves the sums of all counters, once in each interval. ARGV: seconds of an interval, how many snapshots are kept
-- -> 1, or 0 when this interval has a snapshot
even_if_full()
local seconds, limit, at = tonumber(ARGV[1]), tonumber(ARGV[2]), now()
local newest = redis.call('LINDEX', HISTORY, 0)
local function interval_of(time) return math.floor(tonumber(time) / seconds) end
if newest and interval_of(newest:match('^%S+')) == interval_of(at) then return 0 end
redis.call('LTRIM', HISTORY, 0, limit - 2)
redis.call('LPUSH', HISTORY, sum_counters(at))
return 1
