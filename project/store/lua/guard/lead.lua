-- Only one worker at a time looks for broken records. ARGV: worker, seconds that it has from now -> 1, or 0: another does
even_if_full()
local key = prefix .. 'guard'
local leader = redis.call('GET', key)
if leader and leader ~= ARGV[1] then return 0 end
redis.call('SET', key, ARGV[1], 'EX', ARGV[2])
return 1
