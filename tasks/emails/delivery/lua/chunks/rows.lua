-- An uploaded chunk. ARGV: blast, chunk -> its rows, JSON, or nil
return redis.call('HGET', rows_key(ARGV[1]), ARGV[2])
