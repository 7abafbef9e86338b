-- The name of a Redis list is that of its queue; with a priority, \6 \22 and the priority follow. The list of a lane always
-- has those, then \6 and the name of the lane. The default lane has the lists that plain Celery clients know.
local function queue_of(list) return list:match('^[^\6]*') end
local LANE_MARK = '\6[^\6]*\6'
local function lane_of(list) return list:match('^[^\6]*\6[^\6]*\6(.*)$') or '' end
local function in_lane(list, lane)
  if not lane or lane == '' or uses_other_broker or list:find(LANE_MARK) then return list end
  return list .. (list:find('\6', 1, true) and '' or '\6\0220') .. '\6' .. lane
end
local STEPS = { '0', '3', '6', '9' }
local function list_of(queue, lane, step)
  if lane ~= '' then return queue .. '\6\022' .. step .. '\6' .. lane end
  return step == '0' and queue or queue .. '\6\022' .. step
end
local function lists_of(queue, lane)
  local lists = {}
  for i, step in ipairs(STEPS) do lists[i] = list_of(queue, lane or '', step) end
  return lists
end
local function is_open(list) return redis.call('SISMEMBER', PAUSED, queue_of(list)) == 0 end

-- Wakes a worker that waits. One item is enough: a worker that leaves messages behind wakes another.
local function wake_worker(list)
  local key = wakeup_key(queue_of(list))
  if redis.call('LLEN', key) == 0 then redis.call('LPUSH', key, 1) end
end
