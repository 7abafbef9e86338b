-- The next jobs to archive. A batch that was not confirmed comes again under its number. ARGV: token of the lease, how many
-- -> number of the batch and its job ids; empty: there are none, or the lease is lost
even_if_full()
if redis.call('GET', ARCHIVE_LEASE) ~= ARGV[1] then return {} end
local batch = redis.call('LRANGE', ARCHIVE_BATCH, 0, -1)
if batch[1] then return batch end
local ids = redis.call('ZRANGE', UNARCHIVED, 0, ARGV[2] - 1)
if not ids[1] then return {} end
redis.call('RPUSH', ARCHIVE_BATCH, redis.call('INCR', ARCHIVE_NUMBER), unpack(ids))
return redis.call('LRANGE', ARCHIVE_BATCH, 0, -1)
