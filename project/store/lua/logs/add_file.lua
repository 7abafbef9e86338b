-- Keeps where the whole log of an attempt is. ARGV: id of the job, the file (JSON) -> 1, or 0 when there is no record
if redis.call('EXISTS', job_key(ARGV[1])) == 0 then return 0 end
local key = log_files_key(ARGV[1])
redis.call('LREM', key, 0, ARGV[2])
redis.call('RPUSH', key, ARGV[2])
redis.call('LTRIM', key, -MAX_LOG_FILES, -1)
return 1
