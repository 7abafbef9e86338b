-- Messages that the other broker has not confirmed. They count as just sent from here on.
-- ARGV: seconds since they were sent, at least; limit -> of each message the id of its job and its text
even_if_full()
local at, answer = now(), {}
local cutoff = string.format('%.6f', tonumber(at) - tonumber(ARGV[1]))
for _, id in ipairs(redis.call('ZRANGEBYSCORE', UNSENT, '-inf', cutoff, 'LIMIT', 0, ARGV[2])) do
  local message = redis.call('HGET', job_key(id), 'message')
  if message then
    redis.call('ZADD', UNSENT, at, id)
    answer[#answer + 1] = id
    answer[#answer + 1] = message
  else
    redis.call('ZREM', UNSENT, id)
  end
end
return answer
