-- Throws away messages of a queue and cancels the jobs that wait for them. The message of a job that has ended stays, as the
-- last one, while the jobs after it in its canvas are still to be told.
-- ARGV: queue, limit -> how many messages were thrown away or their jobs cancelled
even_if_full()
local left, at, count = tonumber(ARGV[2]), now(), 0

-- -> whether the message counts
local function throw_away(list, message)
  local job = load_waiting_job(list, message)
  if job then end_cancelled(job, at, 'cancelled: its message was purged') end
  local _, _, headers = split_entry(list .. '\n' .. message)
  local is_needed = type(headers.id) == 'string' and redis.call('HEXISTS', job_key(headers.id), 'aftermath') == 1
  if is_needed then push_message(nil, list, message) end
  return job or not is_needed
end

for _, list in ipairs(lists_of(ARGV[1])) do
  local messages = left > 0 and redis.call('RPOP', list, left) or {}
  left = left - #messages
  for _, message in ipairs(messages) do
    local is_read, counts = pcall(throw_away, list, message)
    if counts or not is_read then count = count + 1 end
  end
end
return count
