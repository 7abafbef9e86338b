-- What an operator wants to know. The cost grows with the number of shelves and workers only.
-- -> per shelf its name, what was counted (names and amounts in turn), and how many jobs have each status; the same of
-- HTTP servers; jobs that wait for their time, messages that RabbitMQ has not confirmed, messages nobody can read, URLs
-- that want no callbacks, workers that died; bytes of memory used and allowed (0 = no limit, -1 = nobody may ask); per
-- worker its id, when its lease ends (also one that has ended), its fields and values in turn; the time
local MOST_WORKERS = 1000
local shelves, workers = {}, {}
for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
  local counts = {}
  for i, status in ipairs(STATUSES) do counts[i] = redis.call('ZCARD', index_key(shelf, status)) end
  shelves[#shelves + 1] = { shelf, redis.call('HGETALL', meter_key(shelf)), counts }
end
local leases = redis.call('ZRANGE', WORKERS, 0, MOST_WORKERS - 1, 'WITHSCORES')
for i = 1, #leases, 2 do
  workers[#workers + 1] = { leases[i], leases[i + 1], redis.call('HGETALL', worker_key(leases[i])) }
end
local lengths = {
  redis.call('ZCARD', SCHEDULED), redis.call('ZCARD', UNSENT), redis.call('LLEN', GARBAGE),
  redis.call('ZCARD', DISABLED), tonumber(redis.call('HGET', PULSE, 'deaths') or 0),
}
local about = redis.pcall('INFO', 'memory')
local function memory(name)
  return tonumber(type(about) == 'string' and about:match('\n' .. name .. ':(%d+)') or -1)
end
return {
  shelves, redis.call('HGETALL', TRAFFIC), lengths, { memory('used_memory'), memory('maxmemory') }, workers, now(),
}
