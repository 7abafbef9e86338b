-- Write down what has been counted, once in each span of time. ARGV: seconds that one is long, most notes -> 1 | 0
even_if_full()
local every, most, at = tonumber(ARGV[1]), tonumber(ARGV[2]), now()
local newest = redis.call('LINDEX', HISTORY, 0)
local function span(time) return math.floor(tonumber(time) / every) end
if newest and span(newest:match('^%S+')) == span(at) then return 0 end
redis.call('LTRIM', HISTORY, 0, most - 2)
redis.call('LPUSH', HISTORY, sums(at))
return 1
