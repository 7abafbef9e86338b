-- Read an uploaded chunk.
-- ARGV: mailing, chunk
-- Returns: its rows as JSON, or nil
return redis.call('HGET', rows_key(ARGV[1]), ARGV[2])
