-- All counters and gauges. The cost grows only with the number of kinds, queues and workers.
-- -> of each kind@queue its name, its counters (names and amounts in turn), how many jobs have each status; the counters of
-- HTTP servers; how many jobs wait for their time, messages wait for RabbitMQ, dead letters there are, URLs refuse
-- callbacks, workers died, how often the clock of Redis was set back; bytes of memory used and allowed (0 = no limit, -1 = unknown), and what Redis deletes when
-- it is full ('' = unknown); of each worker its id, when its
-- lease ends (also one that has ended), its fields and values in turn; the time; how many schedules there are, how many of
-- them are paused or over, how many are due, since when the first is due ('' = none is); the counters of schedules; those of causes
local MAX_WORKERS = 1000
local kind_queues, workers = {}, {}
for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  local counts = {}
  for i, status in ipairs(STATUSES) do counts[i] = redis.call('ZCARD', index_key(kind_queue, status)) end
  kind_queues[#kind_queues + 1] = { kind_queue, redis.call('HGETALL', counters_key(kind_queue)), counts }
end
local leases = redis.call('ZRANGE', WORKERS, 0, MAX_WORKERS - 1, 'WITHSCORES')
for i = 1, #leases, 2 do
  workers[#workers + 1] = { leases[i], leases[i + 1], redis.call('HGETALL', worker_key(leases[i])) }
end
local lengths = {
  redis.call('ZCARD', SCHEDULED), redis.call('ZCARD', UNSENT), redis.call('LLEN', DEAD_LETTERS),
  redis.call('ZCARD', DISABLED), tonumber(redis.call('HGET', HEARTBEAT, 'dead_workers') or 0),
  tonumber(redis.call('HGET', HEARTBEAT, 'clock_steps') or 0),
}
local function count_schedules()
  local first = redis.call('ZRANGE', SCHEDULES, 0, 0, 'WITHSCORES')[2]
  local due = redis.call('ZCOUNT', SCHEDULES, '-inf', now())
  return { redis.call('ZCARD', SCHEDULES), redis.call('ZCOUNT', SCHEDULES, '+inf', '+inf'), due, due > 0 and first or '' }
end
local info = redis.pcall('INFO', 'memory')
local function memory(name)
  return tonumber(type(info) == 'string' and info:match('\n' .. name .. ':(%d+)') or -1)
end
local policy = type(info) == 'string' and info:match('\nmaxmemory_policy:(%S+)') or ''
return {
  kind_queues, redis.call('HGETALL', REQUEST_COUNTS), lengths, { memory('used_memory'), memory('maxmemory'), policy }, workers, now(),
  count_schedules(), redis.call('HGETALL', SCHEDULE_COUNTS), redis.call('HGETALL', CAUSE_COUNTS),
}
