-- ARGV: id, then the names of the fields wanted. -> their values in that order
return redis.call('HMGET', job_key(ARGV[1]), unpack(ARGV, 2))
