-- How long jobs take lately, and how many can run at once: what show tells the future by. Looks at the newest successes
-- of each shelf. ARGV: seconds between two measures, most successes of a shelf -> 1, or 0 when it was done lately
even_if_full()
local at, every, most = tonumber(now()), tonumber(ARGV[1]), tonumber(ARGV[2])
if tonumber(redis.call('HGET', PACE, 'at') or 0) + every > at then return 0 end
redis.call('DEL', PACE)
redis.call('HSET', PACE, 'at', string.format('%.6f', at))

local function mean(shelf)
  local sum, count = 0, 0
  for _, id in ipairs(redis.call('ZREVRANGE', index_key(shelf, 'success'), 0, most - 1)) do
    local started_at, finished_at = unpack(redis.call('HMGET', job_key(id), 'started_at', 'finished_at'))
    if started_at and finished_at then sum, count = sum + finished_at - started_at, count + 1 end
  end
  return count > 0 and sum / count
end

for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
  local seconds = mean(shelf)
  if seconds then redis.call('HSET', PACE, 'run:' .. shelf, string.format('%.6f', seconds)) end
end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, at, '+inf')) do
  local slots, queues = unpack(redis.call('HMGET', worker_key(worker), 'slots', 'queues'))
  for queue in (queues or ''):gmatch('[^\n]+') do redis.call('HINCRBY', PACE, 'slots:' .. queue, slots or 0) end
end
return 1
