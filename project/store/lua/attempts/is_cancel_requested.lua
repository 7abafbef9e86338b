-- ARGV: id -> 1 when the job is to be stopped, or 0
return redis.call('HEXISTS', job_key(ARGV[1]), 'cancel')
