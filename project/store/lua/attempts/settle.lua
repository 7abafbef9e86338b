-- Notes that errbacks, chord and chain of a job that a script ended have been seen to. ARGV: id, canvas ('' = keep what
-- the record says) -> 1
redis.call('HDEL', job_key(ARGV[1]), 'aftermath')
if ARGV[2] ~= '' and redis.call('EXISTS', job_key(ARGV[1])) == 1 then redis.call('HSET', job_key(ARGV[1]), 'canvas', ARGV[2]) end
return 1
