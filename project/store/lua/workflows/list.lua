-- Lists workflows, newest first. ARGV: tenant ('' = of all), offset, limit, status ('' = all): 1,000 workflows at most are looked at
-- -> how many there are of any status, the offset of the next page ('' = none follows), then of each its id and its fields
local MOST = 1000
local key, offset, limit, wanted = ARGV[1] == '' and WORKFLOWS or tenant_workflows_key(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local looked_at = wanted == '' and limit or MOST
local answer, found = { redis.call('ZCARD', key), '' }, 0
for i, id in ipairs(redis.call('ZREVRANGE', key, offset, offset + looked_at)) do
  if found == limit or i > looked_at then
    answer[2] = tostring(offset + i - 1)
    break
  end
  if wanted == '' or redis.call('HGET', workflow_key(id), 'status') == wanted then
    found = found + 1
    answer[#answer + 1], answer[#answer + 2] = id, redis.call('HGETALL', workflow_key(id))
  end
end
return answer
