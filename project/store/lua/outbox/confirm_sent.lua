-- The other broker has the message of a job. ARGV: id
local id = ARGV[1]
if redis.call('ZREM', UNSENT, id) == 1 and not redis.call('ZSCORE', SCHEDULED, id) then
  redis.call('HDEL', job_key(id), 'queue', 'message')
end
return 1
