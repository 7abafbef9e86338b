-- The files of a batch are on disk. Marks its records and forgets the batch. A job that ended again meanwhile goes on waiting.
-- ARGV: token of the lease, number of the batch, then of each job its id and when the archived run ended ('' = not archived)
-- -> 1, or 0: the lease is lost or another batch is the current one
if redis.call('GET', ARCHIVE_LEASE) ~= ARGV[1] or redis.call('LINDEX', ARCHIVE_BATCH, 0) ~= ARGV[2] then return 0 end
redis.call('DEL', ARCHIVE_BATCH)
for i = 3, #ARGV, 2 do
  local id, ended_at = ARGV[i], ARGV[i + 1]
  local status, finished_at = unpack(redis.call('HMGET', job_key(id), 'status', 'finished_at'))
  local is_same = finished_at == ended_at
  if is_same or not FINAL[status or ''] then redis.call('ZREM', UNARCHIVED, id) end
  if is_same then redis.call('HSET', job_key(id), 'archived', ended_at) end
end
return 1
