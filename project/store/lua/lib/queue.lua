local function schedule(job, due, queue, message)
  job.queue = queue
  redis.call('HSET', job.key, 'queue', queue, 'message', message)
  redis.call('ZADD', SCHEDULED, due, job.id)
end

-- A list is its queue's name, then perhaps \6 \22 and a priority.
local function queue_of(list) return list:match('^[^\6]*') end
local function is_open(list) return redis.call('SISMEMBER', PAUSED, queue_of(list)) == 0 end
local function lists_of(queue) return { queue, queue .. '\6\0223', queue .. '\6\0226', queue .. '\6\0229' } end

-- Wake a worker that waits. One item is enough: a worker that leaves messages behind rings again.
local function ring(list)
  local bell = bell_key(queue_of(list))
  if redis.call('LLEN', bell) == 0 then redis.call('LPUSH', bell, 1) end
end

local function push(id, list, message, at_front)
  if elsewhere then
    redis.call('HSET', job_key(id), 'queue', list, 'message', message)
    redis.call('ZADD', UNSENT, now(), id)
    return
  end
  redis.call(at_front and 'RPUSH' or 'LPUSH', list, message)
  redis.call('SADD', QUEUES, list)
  ring(list)
end

local function push_all(list, messages)
  redis.call('LPUSH', list, unpack(messages))
  redis.call('SADD', QUEUES, list)
  ring(list)
end
