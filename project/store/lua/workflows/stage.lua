-- Stores nodes of a workflow that is not made yet. ARGV: id, then of each node its name, its job (JSON, see create_record, with
-- payload and message), what its failure does, the nodes that wait for it (JSON array), how many it waits for, and where the
-- rows of a fan-out are ('' = it is none)
local STAGED_SECONDS = 3600
local key = workflow_key(ARGV[1])
if redis.call('EXISTS', key) == 1 then return end -- a repetition after a lost answer
for i = 2, #ARGV, 6 do
  local node, job, how, children, waits, each = unpack(ARGV, i, i + 5)
  redis.call('HSET', key .. ':jobs', node, job)
  redis.call('HSET', key .. ':graph', node, how .. ' ' .. table.concat(cjson.decode(children), ' '))
  redis.call('HSET', key .. ':left', node, waits)
  if redis.call('HLEN', key .. ':graph') > redis.call('LLEN', key .. ':order') then redis.call('RPUSH', key .. ':order', node) end
  if each ~= '' then redis.call('HSET', key .. ':each', node, each) end
end
for _, part in ipairs({ ':jobs', ':graph', ':left', ':order', ':each' }) do redis.call('EXPIRE', key .. part, STAGED_SECONDS) end
