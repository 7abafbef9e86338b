-- -> the name of every queue that ever had a message or a record, some twice
local names = {}
for _, list in ipairs(redis.call('SMEMBERS', QUEUES)) do names[#names + 1] = queue_of(list) end
for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  local _, queue = split_kind_queue(kind_queue)
  names[#names + 1] = queue
end
return names
