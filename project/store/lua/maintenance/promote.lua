-- Puts messages that are due on their lists, those of waiting jobs too, and opens lanes for which a limit lets jobs pass now. ARGV: limit -> how many, when the next is due or may pass ('' = none waits), the time now
local MAX_GATES = 100
local at, count = now(), 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', SCHEDULED, '-inf', at, 'LIMIT', 0, ARGV[1])) do
  redis.call('ZREM', SCHEDULED, id)
  local list, message, deaths, status = unpack(redis.call('HMGET', job_key(id), 'message_list', 'message', 'deaths', 'status'))
  if message and status == 'waiting' then
    resume_waiting(load_job(id), at)
    count = count + 1
  elseif message then
    redis.call('HDEL', job_key(id), 'message_list', 'message', 'due_at')
    redis.call('HSET', job_key(id), 'updated_at', at) -- its wait in the queue begins
    push_message(id, list, message, deaths) -- a job that was cut off goes to the front
    count = count + 1
  end
end
local first = redis.call('ZRANGE', SCHEDULED, 0, 0, 'WITHSCORES')[2]
local gate = look_at_gates(at, MAX_GATES)
if gate and tonumber(gate) < tonumber(first or gate + 1) then first = gate end
return { count, first or '', at }
