-- ARGV: id, then names of fields of its record -> their values in that order
return redis.call('HMGET', job_key(ARGV[1]), unpack(ARGV, 2))
