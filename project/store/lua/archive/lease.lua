-- Takes or renews the right to change the files of the history, which one process has at a time.
-- ARGV: token, seconds from now -> 1, or 0: another process has it
even_if_full()
local holder = redis.call('GET', ARCHIVE_LEASE)
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', ARCHIVE_LEASE, ARGV[1], 'EX', ARGV[2])
return 1
