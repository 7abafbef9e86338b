-- Counts of all jobs, or of those of a tenant. The cost does not depend on the number of jobs. ARGV: tenant ('' = all)
-- -> messages that wait (of a tenant: pending jobs), slots of live workers, then status and count in turn
local tenant, waiting, slots, counts = ARGV[1], 0, 0, {}
for _, list in ipairs(redis.call('SMEMBERS', QUEUES)) do waiting = waiting + redis.call('LLEN', list) end
for _, count in ipairs(redis.call('HVALS', LANE_MESSAGES)) do waiting = waiting + count end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, now(), '+inf')) do
  slots = slots + tonumber(redis.call('HGET', worker_key(worker), 'slots') or 0)
end
local kind_queues = redis.call('SMEMBERS', KIND_QUEUES)
for _, status in ipairs(STATUSES) do
  local count = 0
  for _, kind_queue in ipairs(kind_queues) do
    local key = tenant == '' and index_key(kind_queue, status) or tenant_index_key(tenant, kind_queue, status)
    count = count + redis.call('ZCARD', key)
  end
  if tenant ~= '' and status == 'pending' then waiting = count end
  counts[#counts + 1] = status
  counts[#counts + 1] = count
end
return { waiting, slots, unpack(counts) }
