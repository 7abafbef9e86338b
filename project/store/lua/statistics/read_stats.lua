-- ARGV: a facet, to count only what has it (none: all) -> messages waiting (with a facet: jobs pending), slots of live workers, then status and count in turn. The cost does not depend on the number of jobs.
local facet, waiting, slots, counts = ARGV[1], 0, 0, {}
for _, queue in ipairs(redis.call('SMEMBERS', QUEUES)) do waiting = waiting + redis.call('LLEN', queue) end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, now(), '+inf')) do
  slots = slots + tonumber(redis.call('HGET', worker_key(worker), 'slots') or 0)
end
local shelves = redis.call('SMEMBERS', SHELVES)
for _, status in ipairs(STATUSES) do
  local count = 0
  for _, shelf in ipairs(shelves) do
    count = count + redis.call('ZCARD', facet and facet_key(facet, shelf, status) or index_key(shelf, status))
  end
  if facet and status == 'pending' then waiting = count end
  counts[#counts + 1] = status
  counts[#counts + 1] = count
end
return { waiting, slots, unpack(counts) }
