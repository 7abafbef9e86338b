-- What an HTTP server has counted is added to what all have. ARGV: the process, the number of this call (asked again
-- after a lost answer it happens once), then names and amounts in turn -> 1, or 0 when it had happened
even_if_full()
local last = prefix .. 'added:' .. ARGV[1]
if redis.call('GET', last) == ARGV[2] then return 0 end
redis.call('SET', last, ARGV[2], 'EX', 3600)
for i = 3, #ARGV, 2 do redis.call('HINCRBY', TRAFFIC, ARGV[i], ARGV[i + 1]) end
return 1
