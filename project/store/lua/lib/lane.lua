-- In each queue lanes take turns: the open lane with the lowest virtual time is next, and each job that it gets adds one to
-- that, divided by its weight. A lane leaves when its turn comes and it has no message; it comes back half a turn behind
-- the next one. '' is the default lane. A queue with only that is not in LANED and costs nothing more.
-- A job that a limit holds back, and whose lane may go on without it, goes to a lane beside its own: lane, \6, limit.
local function is_beside(lane) return lane:find('\6', 1, true) ~= nil end
local function open_lane(queue, lane)
  local key = lanes_key(queue)
  if redis.call('SADD', LANED, queue) == 1 then redis.call('ZADD', key, 0, '') end
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  redis.call('ZADD', key, 'NX', (first[2] or 0) + 0.5, lane)
end
local function join_lanes(queue, lane)
  if redis.call('HEXISTS', closed_key(queue), lane) == 0 then open_lane(queue, lane) end
end

-- How many messages wait in a queue, those that limits hold back included.
local function count_waiting(queue)
  local count = tonumber(redis.call('HGET', LANE_MESSAGES, queue) or 0)
  for _, list in ipairs(lists_of(queue)) do count = count + redis.call('LLEN', list) end
  return count
end
local function count_in_lane(list, change)
  if lane_of(list) ~= '' then redis.call('HINCRBY', LANE_MESSAGES, queue_of(list), change) end
end

-- Notes that messages were added to the list of a lane. length: of the list now
local function note_in_lane(list, count, length) -- rarely
  count_in_lane(list, count)
  if length > count then return end
  redis.call('SADD', QUEUES, queue_of(list))
  join_lanes(queue_of(list), lane_of(list))
end

local function pop_from_lane(queue, lane)
  for _, step in ipairs(STEPS) do
    local list = list_of(queue, lane, step)
    local message = redis.call('RPOP', list)
    if message then
      count_in_lane(list, -1)
      return list, message
    end
  end
end

-- Takes the next message of a queue in LANED. -> its list and its text, or nothing
local function pop_by_turns(queue)
  local key = lanes_key(queue)
  while true do
    local lane, _, other, others_time = unpack(redis.call('ZRANGE', key, 0, 1, 'WITHSCORES'))
    if not lane then return nil end
    if lane == '' and not other and redis.call('EXISTS', closed_key(queue)) == 0 then
      redis.call('DEL', key)
      redis.call('SREM', LANED, queue)
    end
    local list, message = pop_from_lane(queue, lane)
    if message or lane == '' and not other then return list, message end
    if lane == '' then
      redis.call('ZADD', key, others_time + 0.5, lane) -- plain clients do not say that it comes back: it stays
    else
      redis.call('ZREM', key, lane)
    end
  end
end

-- Counts a turn of the lane of a list.
local function count_turn(list)
  local lane = lane_of(list)
  local weight = redis.call('HGET', LANE_WEIGHTS, lane:match('^[^\6]*'))
  redis.call('ZADD', lanes_key(queue_of(list)), 'XX', 'INCR', 1 / (weight or 1), lane)
end

-- Whether the queue of a list may have more messages.
local function has_more(list)
  if redis.call('LLEN', list) > 0 then return true end
  local queue = queue_of(list)
  if redis.call('ZCARD', lanes_key(queue)) < 2 then return false end
  return tonumber(redis.call('HGET', LANE_MESSAGES, queue) or 0) > 0 or redis.call('EXISTS', unpack(lists_of(queue))) > 0
end

-- Takes the next message for which one of the lists that a worker looks at stands: of a queue in LANED, the first stands for
-- all. -> its list, its text, whether there may be more for another worker; or nothing
local function pop_next(first) -- rarely
  local queue, list, message = queue_of(first), nil, nil
  if not is_open(first) then return nil end
  if redis.call('SISMEMBER', LANED, queue) == 0 then
    list, message = first, redis.call('RPOP', first)
  elseif first == queue then
    list, message = pop_by_turns(queue)
  end
  if not message then return nil end
  count_turn(list)
  return list, message, has_more(list)
end
