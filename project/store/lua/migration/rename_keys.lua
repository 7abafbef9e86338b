-- Renames the keys of which there is one, and those of each kind and queue.
even_if_full()
for old, new in pairs({ garbage = DEAD_LETTERS, ['garbage:count'] = DEAD_LETTER_COUNT, disabled = DISABLED }) do
  rename_if_there(prefix .. old, new)
end
redis.call('DEL', prefix .. 'pace') -- measured anew within seconds
local pulse = prefix .. 'pulse'
for old, new in pairs({ heard = 'last_at', mercy = 'grace_until', deaths = 'dead_workers' }) do
  local value = redis.call('HGET', pulse, old)
  if value then redis.call('HSET', HEARTBEAT, new, value) end
end
redis.call('DEL', pulse)
for _, list in ipairs(redis.call('SMEMBERS', QUEUES)) do
  rename_if_there(prefix .. 'bell:' .. queue_of(list), wakeup_key(queue_of(list)))
end
local traffic = redis.call('HGETALL', prefix .. 'traffic')
for i = 1, #traffic, 2 do redis.call('HSET', REQUEST_COUNTS, (traffic[i]:gsub('\n', ' ')), traffic[i + 1]) end
redis.call('DEL', prefix .. 'traffic')
for _, label in ipairs(redis.call('SMEMBERS', prefix .. 'kinds')) do
  local kind_queue = kind_queue_of_label(label)
  for _, status in ipairs(STATUSES) do
    rename_if_there(prefix .. 'index:' .. label .. ':' .. status, index_key(kind_queue, status))
  end
  rename_if_there(prefix .. 'meter:' .. label, counters_key(kind_queue))
  redis.call('SADD', KIND_QUEUES, kind_queue)
end
return 1
