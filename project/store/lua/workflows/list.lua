-- Lists workflows, newest first. ARGV: tenant ('' = of all), offset, limit -> how many there are, then of each its id and its fields
local key, offset, limit = ARGV[1] == '' and WORKFLOWS or tenant_workflows_key(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local answer = { redis.call('ZCARD', key) }
for _, id in ipairs(redis.call('ZREVRANGE', key, offset, offset + limit - 1)) do
  answer[#answer + 1], answer[#answer + 2] = id, redis.call('HGETALL', workflow_key(id))
end
return answer
