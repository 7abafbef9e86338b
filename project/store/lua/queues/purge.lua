-- Throws away messages of a queue and cancels the jobs that wait for them. ARGV: queue, limit -> how many messages
even_if_full()
local left, at = tonumber(ARGV[2]), now()
local function throw_away(list, message)
  local job = load_waiting_job(list, message)
  if job then end_cancelled(job, at, 'cancelled: its message was purged') end
end

for _, list in ipairs(lists_of(ARGV[1])) do
  local messages = left > 0 and redis.call('RPOP', list, left) or {}
  left = left - #messages
  for _, message in ipairs(messages) do pcall(throw_away, list, message) end
end
return tonumber(ARGV[2]) - left
