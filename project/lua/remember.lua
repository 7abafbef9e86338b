-- Write down what has been counted, unless that was done lately. ARGV: seconds between two notes, most notes -> 1 | 0
even_if_full()
local every, most, at = tonumber(ARGV[1]), tonumber(ARGV[2]), now()
local newest = redis.call('LINDEX', HISTORY, 0)
if newest and tonumber(newest:match('^%S+')) + every > tonumber(at) then return 0 end
redis.call('LTRIM', HISTORY, 0, most - 2)
redis.call('LPUSH', HISTORY, sums(at))
return 1
