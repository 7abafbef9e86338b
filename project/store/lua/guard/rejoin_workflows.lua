-- Lets rounds look again at workflows that run and were forgotten, if there are any. ARGV: offset, limit
-- -> the next offset ('' = that was the end)
even_if_full()
local offset, limit, at = tonumber(ARGV[1]), tonumber(ARGV[2]), now()
local known = redis.call('ZCARD', OPEN_WORKFLOWS) + redis.call('ZCARD', ENDED_WORKFLOWS)
if known >= redis.call('ZCARD', WORKFLOWS) then return '' end
local ids = redis.call('ZRANGE', WORKFLOWS, offset, offset + limit - 1)
for _, id in ipairs(ids) do
  local is_running = redis.call('HGET', workflow_key(id), 'status') == 'running'
  if is_running and not redis.call('ZSCORE', OPEN_WORKFLOWS, id) then redis.call('ZADD', OPEN_WORKFLOWS, at, id) end
end
return #ids == limit and offset + limit or ''
