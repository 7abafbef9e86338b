-- A workflow, and some of its nodes. ARGV: id, offset, limit, node ('' = the nodes of the workflow, else the rows of this one)
-- -> nothing when there is none; else its fields, then rows of nodes: name, state, job id, kind, what its failure does, where its
-- rows are, the nodes that wait for it, its error, how many rows it has, how many of them have not ended, and of its job status, attempts, started_at, finished_at, error
local workflow, offset, limit, base = load_workflow(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local key = workflow.key
local fields = redis.call('HGETALL', key)
if #fields == 0 then return {} end
local names, rows = {}, {}
if limit == 0 then
  -- only the workflow is wanted
elseif base == '' then
  names = redis.call('LRANGE', key .. ':order', offset, offset + limit - 1)
else
  local last = tonumber(redis.call('HGET', key .. ':left', base .. '[#]') or 0) - 1
  for i = offset, math.min(last, offset + limit - 1) do names[#names + 1] = base .. '[' .. i .. ']' end
end
for _, node in ipairs(names) do
  local own = base ~= '' and base or node
  local id = node_job_id(workflow.id, node)
  local how, children = (redis.call('HGET', key .. ':graph', own)):match('^(%S+) ?(.*)$')
  local left = redis.call('HMGET', key .. ':left', node .. '[#]', node .. '[]')
  rows[#rows + 1] = { node, redis.call('HGET', key .. ':states', node) or '', id,
    cjson.decode(redis.call('HGET', key .. ':jobs', own)).kind, how, base == '' and redis.call('HGET', key .. ':each', node) or '', children,
    redis.call('HGET', key .. ':errors', node) or '', left[1] or '', left[2] or '',
    redis.call('HMGET', job_key(id), 'status', 'attempts', 'started_at', 'finished_at', 'error') }
end
return { fields, rows }
