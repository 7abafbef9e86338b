-- The other broker has confirmed the message of a job. ARGV: id
local id = ARGV[1]
if redis.call('ZREM', UNSENT, id) == 1 and not redis.call('ZSCORE', SCHEDULED, id) then
  redis.call('HDEL', job_key(id), 'message_list', 'message')
end
return 1
