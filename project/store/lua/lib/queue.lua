-- Keeps a message on the record until it is due, in seconds since the epoch.
local function schedule(job, due, list, message)
  job.message_list = list
  redis.call('HSET', job.key, 'message_list', list, 'message', message, 'due_at', due)
  redis.call('ZADD', SCHEDULED, due, job.id)
end

-- The name of a Redis list is that of its queue; with a priority, \6 \22 and the priority follow.
local function queue_of(list) return list:match('^[^\6]*') end
local function is_open(list) return redis.call('SISMEMBER', PAUSED, queue_of(list)) == 0 end
local function lists_of(queue) return { queue, queue .. '\6\0223', queue .. '\6\0226', queue .. '\6\0229' } end

-- Wakes a worker that waits. One item is enough: a worker that leaves messages behind wakes another.
local function wake_worker(list)
  local key = wakeup_key(queue_of(list))
  if redis.call('LLEN', key) == 0 then redis.call('LPUSH', key, 1) end
end

local function push_messages(command, list, messages)
  local length = redis.call(command, list, unpack(messages))
  if length == #messages then redis.call('SADD', QUEUES, list) end
  wake_worker(list)
end

-- Puts a message on its list, or keeps it for the other broker. id: of its job, needed only with another broker
local function push_message(id, list, message, at_front)
  if not uses_other_broker then return push_messages(at_front and 'RPUSH' or 'LPUSH', list, { message }) end
  redis.call('HSET', job_key(id), 'message_list', list, 'message', message)
  redis.call('ZADD', UNSENT, now(), id)
end
