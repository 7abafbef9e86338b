-- Adds what an HTTP server has counted to the counters of all. ARGV: process, number of this call (a repetition after a
-- lost answer counts once), then names and amounts in turn -> 1, or 0 for a repetition
even_if_full()
local last = prefix .. 'request_counts:' .. ARGV[1]
if redis.call('GET', last) == ARGV[2] then return 0 end
redis.call('SET', last, ARGV[2], 'EX', 3600)
for i = 3, #ARGV, 2 do redis.call('HINCRBY', REQUEST_COUNTS, ARGV[i], ARGV[i + 1]) end
return 1
