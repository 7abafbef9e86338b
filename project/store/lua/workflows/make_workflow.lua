-- Makes a workflow of the nodes that are stored under its id, unless the same was ordered before, and starts those that wait
-- for no other.
-- ARGV: workflow (JSON: id, name, total, call_id; if it has them: tenant, seconds until its deadline, callback, idempotency_key
-- with idempotency_seconds, hooks (name -> a job as text), open: more nodes may come), the whole order as text
-- -> 'made', id, order | 'replayed', the id and the order of then | 'gone': its nodes are no longer stored
local wanted, order = cjson.decode(ARGV[1]), ARGV[2]
local workflow, at = load_workflow(wanted.id), now()
local parts = { ':jobs', ':graph', ':left', ':order', ':each', ':ready' }
if redis.call('HGET', workflow.key, 'call') == wanted.call_id then return { 'made', wanted.id, order } end -- a repetition
local idempotent = wanted.idempotency_key and prefix .. 'idempotent:' .. wanted.idempotency_key
if idempotent then
  local before, id = unpack(redis.call('HMGET', idempotent, 'order', 'id'))
  if before then
    for _, part in ipairs(parts) do redis.call('UNLINK', workflow.key .. part) end
    return { 'replayed', id, before }
  end
end
if redis.call('LLEN', workflow.key .. ':order') ~= wanted.total then return { 'gone', '', '' } end
redis.call('HSET', workflow.key, 'call', wanted.call_id, 'name', wanted.name, 'tenant', wanted.tenant or '', 'status', 'running',
  'created_at', at, 'updated_at', at, 'total', wanted.total, 'ended', 0)
local deadline = wanted.deadline and string.format('%.6f', at + wanted.deadline)
if deadline then redis.call('HSET', workflow.key, 'deadline', deadline) end
if wanted.open then redis.call('HSET', workflow.key, 'open', 1) end
for name, job in pairs(wanted.hooks or {}) do redis.call('HSET', workflow.key .. ':hooks', name, job) end
if wanted.callback then redis.call('HSET', workflow.key, 'callback', wanted.callback) end
for _, part in ipairs(parts) do redis.call('PERSIST', workflow.key .. part) end
redis.call('ZADD', WORKFLOWS, at, wanted.id)
if wanted.tenant then redis.call('ZADD', tenant_workflows_key(wanted.tenant), at, wanted.id) end
redis.call('ZADD', OPEN_WORKFLOWS, at, wanted.id)
if idempotent then
  redis.call('HSET', idempotent, 'order', order, 'id', wanted.id)
  redis.call('EXPIRE', idempotent, wanted.idempotency_seconds)
end
start_ready_nodes(workflow, at, NODE_BATCH)
end_if_over(workflow, at)
return { 'made', wanted.id, order }
