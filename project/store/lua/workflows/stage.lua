-- Stores nodes of a workflow that is not made yet. ARGV: id, how many of its nodes are stored before these, then of each node its
-- name, its job (JSON, see create_record, with payload and message), what its failure does and the nodes that wait for it (between
-- spaces), how many it waits for, and where the rows of a fan-out are ('' = it is none)
local STAGED_SECONDS = 3600
local key = workflow_key(ARGV[1])
if redis.call('EXISTS', key) == 1 then return end -- a repetition after a lost answer
if redis.call('LLEN', key .. ':order') ~= tonumber(ARGV[2]) then return end -- the same

local parts = { [':jobs'] = {}, [':graph'] = {}, [':left'] = {}, [':each'] = {} }
local names, ready = {}, {}
local function add(part, node, value)
  local values = parts[part]
  values[#values + 1], values[#values + 2] = node, value
end
for i = 3, #ARGV, 5 do
  local node, job, graph, waits, each = unpack(ARGV, i, i + 4)
  names[#names + 1] = node
  add(':jobs', node, job)
  add(':graph', node, graph)
  add(':left', node, waits)
  if each ~= '' then add(':each', node, each) end
  if waits == '0' then ready[#ready + 1] = node end
end
for part, values in pairs(parts) do
  if #values > 0 then redis.call('HSET', key .. part, unpack(values)) end
  redis.call('EXPIRE', key .. part, STAGED_SECONDS)
end
for part, nodes in pairs({ [':order'] = names, [':ready'] = ready }) do
  if #nodes > 0 then redis.call('RPUSH', key .. part, unpack(nodes)) end
  redis.call('EXPIRE', key .. part, STAGED_SECONDS)
end
