-- Throws away messages of a queue and cancels the jobs that wait for them. ARGV: queue, limit -> how many messages
even_if_full()
local queue, left, at = ARGV[1], tonumber(ARGV[2]), now()
local function throw_away(list, message)
  local job = load_waiting_job(list, message)
  if job then end_cancelled(job, at, 'cancelled: its message was purged') end
end

local function empty(lane)
  for _, list in ipairs(lists_of(queue, lane)) do
    local messages = left > 0 and redis.call('RPOP', list, left) or {}
    left = left - #messages
    if #messages > 0 then count_in_lane(list, -#messages) end
    for _, message in ipairs(messages) do pcall(throw_away, list, message) end
  end
end

empty('')
for _, lane in ipairs(redis.call('ZRANGE', lanes_key(queue), 0, -1)) do
  if left > 0 then empty(lane) end
end
for _, lane in ipairs(redis.call('HKEYS', closed_key(queue))) do
  if left > 0 then empty(lane) end
end
return tonumber(ARGV[2]) - left
