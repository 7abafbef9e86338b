-- ARGV: id -> 1 when somebody wants the job stopped
return redis.call('HEXISTS', job_key(ARGV[1]), 'cancel')
