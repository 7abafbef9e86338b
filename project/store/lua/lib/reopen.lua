local function read_hash(key)
  local found, values = {}, redis.call('HGETALL', key)
  for i = 1, #values, 2 do found[values[i]] = values[i + 1] end
  return found
end
local function write_hash(key, found)
  local values = {}
  for name, value in pairs(found) do values[#values + 1], values[#values + 2] = name, value end
  call_in_batches('HSET', key, values)
end

local function is_failure(state, how) return (state == 'failed' or state == 'cancelled') and how ~= 'continue' end

-- Computes from the states of the nodes what follows from them: which are skipped, how many each waits for, which are ready,
-- and the counts. Needed when a state was taken back, and when Redis has lost something.
local function settle_nodes(workflow, at) -- rarely
  local key = workflow.key
  local states, graph, left = read_hash(key .. ':states'), read_hash(key .. ':graph'), read_hash(key .. ':left')
  local waits, blocked, ready, stopped, unskipped, active = {}, {}, {}, nil, {}, {}
  local new_states, new_left = {}, {}
  local counts = { ended = 0, total = 0, failures = 0, success = 0, failed = 0, cancelled = 0, skipped = 0 }

  local function set_state(node, state) states[node], new_states[node] = state, state end

  local function count(node, how)
    local state = states[node]
    counts.total = counts.total + 1
    if state == 'pending' then active[#active + 1] = node end
    if not FINAL[state] and state ~= 'skipped' then return end
    counts.ended, counts[state] = counts.ended + 1, counts[state] + 1
    if not is_failure(state, how) then return end
    counts.failures = counts.failures + 1
    if how == 'stop' then stopped = stopped or node end
  end

  local function count_rows_of(node, how, total)
    local open, failed = 0, 0
    for i = 0, total - 1 do
      local row = node .. '[' .. i .. ']'
      count(row, how)
      if not FINAL[states[row]] then open = open + 1 elseif states[row] ~= 'success' then failed = failed + 1 end
      if not states[row] then ready[#ready + 1] = row end
    end
    new_left[node .. '[!]'], new_left[node .. '[]'] = failed, open
    if total > 0 and open == 0 and states[node] == 'expanded' then set_state(node, failed > 0 and how ~= 'continue' and 'failed' or 'success') end
  end

  for _, node in ipairs(redis.call('LRANGE', key .. ':order', 0, -1)) do
    local how, children = parse_node(graph[node])
    if states[node] == 'skipped' and not blocked[node] then
      states[node], unskipped[#unskipped + 1] = nil, node
    elseif blocked[node] and not states[node] then
      set_state(node, 'skipped')
    end
    if states[node] and left[node .. '[#]'] then count_rows_of(node, how, tonumber(left[node .. '[#]'])) end
    count(node, how)
    local state = states[node]
    local passes = FINAL[state] and not is_failure(state, how)
    local skips = state == 'skipped' or is_failure(state, how) and how == 'skip'
    for _, child in ipairs(children) do
      if skips then blocked[child] = true end
      if not passes then waits[child] = (waits[child] or 0) + 1 end
    end
    if not state then
      new_left[node] = waits[node] or 0
      if not waits[node] then ready[#ready + 1] = node end
    end
  end

  redis.call('HDEL', key, 'stopped')
  redis.call('DEL', key .. ':ready')
  call_in_batches('HDEL', key .. ':states', unskipped)
  write_hash(key .. ':states', new_states)
  call_in_batches('SADD', key .. ':active', active)
  write_hash(key .. ':left', new_left)
  write_hash(key, counts)
  stopped = stopped or redis.call('HEXISTS', key, 'cancel') == 1 and 'cancel' or nil
  if stopped then redis.call('HSET', key, 'stopped', stopped) end
  call_in_batches('RPUSH', key .. ':ready', ready)
  start_ready_nodes(workflow, at, NODE_BATCH)
  end_if_over(workflow, at)
end

-- Opens a workflow that has ended; then nodes of it can run again.
local function reopen_workflow(workflow, at)
  redis.call('HDEL', workflow.key, 'finished_at', 'cancel', 'deadline')
  redis.call('ZREM', ENDED_WORKFLOWS, workflow.id)
  redis.call('HSET', workflow.key, 'status', 'running', 'updated_at', at)
  redis.call('ZADD', OPEN_WORKFLOWS, at, workflow.id)
end

local function base_of(node) return node:match('^(.*)%[%d+%]$') end

-- Takes back that nodes have ended: their jobs run again. What follows from that is not computed; see settle_nodes.
local function reopen_nodes(workflow, nodes)
  local states = {}
  for _, node in ipairs(nodes) do
    states[node] = 'pending'
    if base_of(node) then states[base_of(node)] = 'expanded' end
  end
  write_hash(workflow.key .. ':states', states)
  call_in_batches('SADD', workflow.key .. ':active', nodes)
end

-- Whether no other node depends on how this one ended, so that taking it back changes only counts.
local function is_independent(workflow, node, children)
  if redis.call('HEXISTS', workflow.key, 'stopped') == 1 then return false end
  local base = base_of(node)
  if not base then return #children == 0 end
  return redis.call('HGET', workflow.key .. ':states', base) == 'expanded'
end

-- Notes that a job that is a node of a workflow runs again: what its failure has stopped or skipped waits for it again.
local function note_node_rerun(job, at) -- rarely
  local id, node = job.workflow:match('^(%S+) (.*)$')
  local workflow = load_workflow(id)
  local key, base = workflow.key, base_of(node)
  if redis.call('EXISTS', key) == 0 or redis.call('SISMEMBER', key .. ':active', node) == 1 then return end
  local state, how, children = redis.call('HGET', key .. ':states', node), read_node(workflow, base or node)
  local is_alone = FINAL[state] and is_independent(workflow, node, children)
  if redis.call('HGET', key, 'status') ~= 'running' then reopen_workflow(workflow, at) end
  reopen_nodes(workflow, { node })
  if not is_alone then return settle_nodes(workflow, at) end
  redis.call('HINCRBY', key, 'ended', -1)
  redis.call('HINCRBY', key, state, -1)
  if base then redis.call('HINCRBY', key .. ':left', base .. '[]', 1) end
  if base and state ~= 'success' then redis.call('HINCRBY', key .. ':left', base .. '[!]', -1) end
  if is_failure(state, how) then redis.call('HINCRBY', key, 'failures', -1) end
end

-- Cancels jobs of a workflow that have not ended, at most so many. -> whether there are more
local function cancel_nodes(workflow, at, most)
  redis.call('DEL', workflow.key .. ':ready')
  local left = most
  for _, node in ipairs(redis.call('SMEMBERS', workflow.key .. ':active')) do
    local job = load_job(node_job_id(workflow.id, node))
    local is_asked = job and (FINAL[job.status] or redis.call('HEXISTS', job.key, 'cancel') == 1)
    if job and not is_asked then
      if left == 0 then return true end
      left = left - 1
      if job.status == 'running' then
        redis.call('HSET', job.key, 'cancel', at)
        redis.call('SADD', cancel_requests_key(worker_of(job.token)), job.id)
      else
        end_cancelled(job, at, 'its workflow was cancelled')
      end
    end
  end
  end_if_over(workflow, at)
  return false
end

-- Deletes a workflow; the records of its jobs stay.
local function forget_workflow(id)
  local key = workflow_key(id)
  local tenant = redis.call('HGET', key, 'tenant')
  for _, part in ipairs({ '', ':jobs', ':graph', ':left', ':order', ':each', ':states', ':active', ':ready', ':errors', ':hooks' }) do
    redis.call('UNLINK', key .. part)
  end
  redis.call('ZREM', WORKFLOWS, id)
  redis.call('ZREM', ENDED_WORKFLOWS, id)
  if tenant and tenant ~= '' then redis.call('ZREM', tenant_workflows_key(tenant), id) end
end
