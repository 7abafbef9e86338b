-- A workflow, and some of its nodes. ARGV: id, offset, limit, node ('' = the nodes of the workflow, else the rows of this one),
-- status ('' = all): of 10,000 nodes at most it is looked at
-- -> nothing when there is none; else its fields, the offset of the next page ('' = none follows), then rows of nodes: name, state,
-- job id, kind, what its failure does, where its rows are, the nodes that wait for it, its error, of a fan-out how many rows it has,
-- how many of them have not ended, how many ended without success, when it became rows and when they had ended, and of its job
-- status, attempts, created_at, started_at, finished_at, error
local MOST = 10000
local workflow, offset, limit, base, wanted = load_workflow(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local key = workflow.key
local fields = redis.call('HGETALL', key)
if #fields == 0 then return {} end
local is_over = redis.call('HGET', key, 'status') ~= 'running'
local looked_at = limit == 0 and 0 or wanted == '' and limit or MOST -- nodes, one more than those tells whether others follow

local function list_names()
  if looked_at == 0 then return {} end
  if base == '' then return redis.call('LRANGE', key .. ':order', offset, offset + looked_at) end
  local names, last = {}, tonumber(redis.call('HGET', key .. ':left', base .. '[#]') or 0) - 1
  for i = offset, math.min(last, offset + looked_at) do names[#names + 1] = base .. '[' .. i .. ']' end
  return names
end

local function status_of(node, id)
  local state = redis.call('HGET', key .. ':states', node)
  if not state then return is_over and 'stopped' or 'blocked' end
  return state == 'pending' and redis.call('HGET', job_key(id), 'status') or state
end

local function read_row(node, id)
  local own = base ~= '' and base or node
  local how, children = (redis.call('HGET', key .. ':graph', own)):match('^(%S+) ?(.*)$')
  local row = { node, redis.call('HGET', key .. ':states', node) or '', id, cjson.decode(redis.call('HGET', key .. ':jobs', own)).kind,
    how, base == '' and redis.call('HGET', key .. ':each', node) or '', children, redis.call('HGET', key .. ':errors', node) or '' }
  for _, value in ipairs(redis.call('HMGET', key .. ':left', node .. '[#]', node .. '[]', node .. '[!]', node .. '[<]', node .. '[>]')) do
    row[#row + 1] = value or ''
  end
  row[#row + 1] = redis.call('HMGET', job_key(id), 'status', 'attempts', 'created_at', 'started_at', 'finished_at', 'error')
  return row
end

local rows, next_offset = {}, ''
for i, node in ipairs(list_names()) do
  if #rows == limit or i > looked_at then
    next_offset = tostring(offset + i - 1)
    break
  end
  local id = node_job_id(workflow.id, node)
  if wanted == '' or status_of(node, id) == wanted then rows[#rows + 1] = read_row(node, id) end
end
return { fields, next_offset, rows }
