-- Pauses a schedule. ARGV: name -> 1, or 0 when there is none
even_if_full()
if redis.call('EXISTS', schedule_key(ARGV[1])) == 0 then return 0 end
if redis.call('HEXISTS', schedule_key(ARGV[1]), 'paused') == 0 then pause_schedule(ARGV[1], 'by hand', now()) end
return 1
