-- ARGV: blast, then recipients -> the state of each
return redis.call('HMGET', mail_key(ARGV[1]), unpack(ARGV, 2))
