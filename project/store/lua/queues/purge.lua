-- Throws away messages of a queue and cancels the jobs that wait for them. The message of a job that has ended stays, as the
-- last one, while the jobs after it in its canvas are still to be told.
-- ARGV: queue, limit -> how many messages were thrown away or their jobs cancelled
even_if_full()
local queue, left, at, count = ARGV[1], tonumber(ARGV[2]), now(), 0

-- -> whether the message counts
local function throw_away(list, message)
  local job = load_waiting_job(list, message)
  if job then end_cancelled(job, at, 'cancelled: its message was purged') end
  local _, _, headers = split_entry(list .. '\n' .. message)
  local is_needed = type(headers.id) == 'string' and redis.call('HEXISTS', job_key(headers.id), 'aftermath') == 1
  if is_needed then push_message(nil, list, message) end
  return job or not is_needed
end

local function empty(lane)
  for _, list in ipairs(lists_of(queue, lane)) do
    local messages = left > 0 and redis.call('RPOP', list, left) or {}
    left = left - #messages
    if #messages > 0 then count_in_lane(list, -#messages) end
    for _, message in ipairs(messages) do
      local is_read, counts = pcall(throw_away, list, message)
      if counts or not is_read then count = count + 1 end
    end
  end
end

empty('')
for _, lane in ipairs(redis.call('ZRANGE', lanes_key(queue), 0, -1)) do
  if left > 0 then empty(lane) end
end
for _, lane in ipairs(redis.call('HKEYS', closed_key(queue))) do
  if left > 0 then empty(lane) end
end
return count
