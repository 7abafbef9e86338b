-- ARGV: blast -> whether its uploads are complete, how many chunks were uploaded
return redis.call('HMGET', about_key(ARGV[1]), 'started', 'uploads')
