-- Measures how long jobs take by the newest successes of each kind and queue, and how many can run at once. Estimates use
-- both. ARGV: seconds between two measurements, limit of successes -> 1, or 0 when the last measurement is recent
even_if_full()
local at, interval, limit = tonumber(now()), tonumber(ARGV[1]), tonumber(ARGV[2])
if tonumber(redis.call('HGET', DURATIONS, 'measured_at') or 0) + interval > at then return 0 end
redis.call('DEL', DURATIONS)
redis.call('HSET', DURATIONS, 'measured_at', string.format('%.6f', at))

local function mean(kind_queue)
  local sum, count = 0, 0
  for _, id in ipairs(redis.call('ZREVRANGE', index_key(kind_queue, 'success'), 0, limit - 1)) do
    local started_at, finished_at = unpack(redis.call('HMGET', job_key(id), 'started_at', 'finished_at'))
    if started_at and finished_at then sum, count = sum + finished_at - started_at, count + 1 end
  end
  return count > 0 and sum / count
end

for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  local seconds = mean(kind_queue)
  if seconds then redis.call('HSET', DURATIONS, 'run:' .. kind_queue, string.format('%.6f', seconds)) end
end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, at, '+inf')) do
  local slots, queues = unpack(redis.call('HMGET', worker_key(worker), 'slots', 'queues'))
  for queue in (queues or ''):gmatch('[^\n]+') do redis.call('HINCRBY', DURATIONS, 'slots:' .. queue, slots or 0) end
end
return 1
