-- Gives the right to change the history back. ARGV: token
if redis.call('GET', ARCHIVE_LEASE) == ARGV[1] then redis.call('DEL', ARCHIVE_LEASE) end
return 1
