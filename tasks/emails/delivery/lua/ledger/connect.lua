-- Count an SMTP connection that was opened for a mailing.
-- ARGV: mailing, seconds until expiry
-- Returns: the number of connections so far
even_if_full()
local count = redis.call('HINCRBY', about_key(ARGV[1]), 'connections', 1)
redis.call('EXPIRE', about_key(ARGV[1]), ARGV[2])
return count
