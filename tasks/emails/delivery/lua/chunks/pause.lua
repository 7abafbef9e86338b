-- A blast is paused, or goes on. ARGV: blast, '1' or '', seconds kept -> 1, or 0: it is over
even_if_full()
local blast, paused = ARGV[1], ARGV[2]
if is_over(blast) then return 0 end
redis.call('HDEL', about_key(blast), 'paused')
if paused == '1' then
  redis.call('HSET', about_key(blast), 'paused', now())
  redis.call('EXPIRE', about_key(blast), ARGV[3])
elseif redis.call('HEXISTS', about_key(blast), 'began') == 1 and redis.call('ZSCORE', SCHEDULED, blast) then
  redis.call('ZADD', SCHEDULED, 'XX', now(), blast)
end
return 1
