-- Keeps a message on the record until it is due, in seconds since the epoch.
local function schedule(job, due, list, message)
  job.message_list = in_lane(list, job.lane)
  redis.call('HSET', job.key, 'message_list', job.message_list, 'message', message, 'due_at', due)
  redis.call('ZADD', SCHEDULED, due, job.id)
end

local function push_messages(command, list, messages)
  local length = redis.call(command, list, unpack(messages))
  if list:find(LANE_MARK) then
    note_in_lane(list, #messages, length)
  elseif length == #messages then
    redis.call('SADD', QUEUES, list)
  end
  wake_worker(list)
end

-- Puts a message back in front of its lane, and lets no job of that start before a moment.
local function slow_lane_down(list, message, at, until_at) -- rarely
  local queue, lane = queue_of(list), lane_of(list)
  local gate = SLOW_DOWN .. '\6' .. queue .. '\6' .. lane
  push_messages('RPUSH', list, { message })
  close_lane(queue, lane, gate, at, until_at)
  redis.call('ZADD', LIMIT_WAITS, 'GT', string.format('%.6f', until_at), gate)
end

-- Puts a message on its list, or keeps it for the other broker. id: of its job, needed only with another broker
local function push_message(id, list, message, at_front)
  if not uses_other_broker then return push_messages(at_front and 'RPUSH' or 'LPUSH', list, { message }) end
  redis.call('HSET', job_key(id), 'message_list', list, 'message', message)
  redis.call('ZADD', UNSENT, now(), id)
end

-- Adds the id of a message's job to a list, and perhaps other ids in its text: to decode it takes ten times as long.
local function add_ids(ids, message)
  local _, last = message:find('"id"', 1, true)
  while last do
    ids[#ids + 1] = message:match('^%s*:%s*"([^"]+)"', last + 1)
    _, last = message:find('"id"', last + 1, true)
  end
end
