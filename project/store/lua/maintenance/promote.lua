-- Messages that are due go on their queues. ARGV: most at a time. -> how many went, when the next is due ('' = none waits)
local at, count = now(), 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', SCHEDULED, '-inf', at, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZREM', SCHEDULED, id)
  local queue, message, deaths = unpack(redis.call('HMGET', job_key(id), 'queue', 'message', 'deaths'))
  if message then
    redis.call('HDEL', job_key(id), 'queue', 'message')
    redis.call('HSET', job_key(id), 'updated_at', at) -- it stands in its queue from now on
    push(id, queue, message, deaths) -- one that was cut off goes first
    count = count + 1
  end
end
local nearest = redis.call('ZRANGE', SCHEDULED, 0, 0, 'WITHSCORES')
return { count, nearest[2] or '', at }
