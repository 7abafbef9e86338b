-- The state of every queue. The cost grows only with the number of queues and workers.
-- -> of each queue its name, how many messages wait, how many seconds the job of the oldest has waited ('' = none waits, or
-- another broker has the messages), how many jobs run, whether it is paused (1 | 0), how many live workers take from it, how
-- many of its lanes a limit or a job holds back, in how many seconds it is empty if no job comes ('' = unknown), since when it is
-- paused ('' = it is not, or nobody knows) and by whom
local MAX_LANES = 8 -- of each queue, those whose turn is next
local at, known = tonumber(now()), {}
local function queue_named(name)
  known[name] = known[name] or { running = 0, workers = 0, paused = 0, pending = 0, work = 0, at_work = 0 }
  return known[name]
end

for _, list in ipairs(redis.call('SMEMBERS', QUEUES)) do queue_named(queue_of(list)) end
for _, name in ipairs(redis.call('SMEMBERS', PAUSED)) do queue_named(name).paused = 1 end
for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  local _, name = split_kind_queue(kind_queue)
  local queue = queue_named(name)
  local pending, running = redis.call('ZCARD', index_key(kind_queue, 'pending')), redis.call('ZCARD', index_key(kind_queue, 'running'))
  local seconds = tonumber(redis.call('HGET', DURATIONS, 'run:' .. kind_queue) or 0)
  queue.running = queue.running + running
  queue.pending = queue.pending + pending
  queue.work = queue.work + pending * seconds
  queue.at_work = queue.at_work + running / 2 * seconds
end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, at, '+inf')) do
  for name in (redis.call('HGET', worker_key(worker), 'queues') or ''):gmatch('[^\n]+') do
    local queue = queue_named(name)
    queue.workers = queue.workers + 1
  end
end

-- How many seconds the job of the next message of a list has waited.
local function age(list)
  local message = redis.call('LINDEX', list, -1)
  local _, _, headers = split_entry(list .. '\n' .. (message or ''))
  local since = type(headers.id) == 'string' and redis.call('HGET', job_key(headers.id), 'updated_at')
  return since and at - tonumber(since)
end

local function waiting_in(name)
  local oldest = nil
  local function look(lane)
    for _, list in ipairs(lists_of(name, lane)) do
      local own = age(list)
      if own and own > (oldest or 0) then oldest = own end
    end
  end
  look('')
  for _, lane in ipairs(redis.call('ZRANGE', lanes_key(name), 0, MAX_LANES)) do look(lane) end
  return count_waiting(name), oldest and string.format('%.6f', oldest) or ''
end

-- What waits takes as long as pending jobs on average, which may also wait for their time; of a running job half is left.
local function seconds_until_empty(name, queue, waiting)
  local slots = tonumber(redis.call('HGET', DURATIONS, 'slots:' .. name) or 0)
  if waiting == '' or waiting == 0 or slots == 0 or queue.paused == 1 or queue.work == 0 then return '' end
  return string.format('%.3f', (waiting * queue.work / queue.pending + queue.at_work) / slots)
end

local answer = {}
for name, queue in pairs(known) do
  local waiting, oldest = '', ''
  if not uses_other_broker then waiting, oldest = waiting_in(name) end
  answer[#answer + 1] = { name, waiting, oldest, queue.running, queue.paused, queue.workers,
    redis.call('HLEN', closed_key(name)), seconds_until_empty(name, queue, waiting),
    (redis.call('HGET', PAUSES, name) or ' '):match('^(%S*) (.*)$') }
end
return answer
