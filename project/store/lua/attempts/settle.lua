-- Notes that errbacks, chord and chain of a job that a script ended have been seen to. ARGV: id -> 1
redis.call('HDEL', job_key(ARGV[1]), 'aftermath')
return 1
