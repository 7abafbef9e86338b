-- Takes the right to change the history when the history is on and has something to do. ARGV: token, seconds from now,
-- 1 (even if no job waits) or 0 -> 1, or 0: nothing to do, or another process does it
even_if_full()
if redis.call('EXISTS', ARCHIVE_ON) == 0 or redis.call('EXISTS', ARCHIVE_LEASE) == 1 then return 0 end
local waits = redis.call('ZCARD', UNARCHIVED) > 0 or redis.call('EXISTS', ARCHIVE_BATCH) == 1
if not waits and ARGV[3] == '0' then return 0 end
redis.call('SET', ARCHIVE_LEASE, ARGV[1], 'EX', ARGV[2])
return 1
