-- ARGV: name -> firings of the schedule, newest first (see schedule_history_key), each followed by the status of its job or ''
local rows = {}
for _, line in ipairs(redis.call('LRANGE', schedule_history_key(ARGV[1]), 0, -1)) do
  local id = line:match('^%S+ %S+ %S+ %S+ (.+)$')
  rows[#rows + 1] = line
  rows[#rows + 1] = id and redis.call('HGET', job_key(id), 'status') or ''
end
return rows
