-- A connection to the mail server was opened for a blast. ARGV: blast, seconds kept -> how many that makes
even_if_full()
local count = redis.call('HINCRBY', about_key(ARGV[1]), 'connections', 1)
redis.call('EXPIRE', about_key(ARGV[1]), ARGV[2])
return count
