-- Computes from the states of the nodes what follows from them: which are skipped, how many each waits for, which are ready,
-- and the counts. Needed when a state was taken back, and when Redis has lost something.
local function settle_nodes(workflow, at) -- rarely
  local key, states, waits, blocked, rows = workflow.key, {}, {}, {}, {}
  local counts = { ended = 0, total = 0, failures = 0, success = 0, failed = 0, cancelled = 0, skipped = 0 }
  local stopped, left, ready = nil, {}, {}
  local pairs_of = redis.call('HGETALL', key .. ':states')
  for i = 1, #pairs_of, 2 do states[pairs_of[i]] = pairs_of[i + 1] end

  local function count(node, state, how)
    counts.total = counts.total + 1
    if not state or state == 'pending' or state == 'expanded' then return end
    counts.ended, counts[state] = counts.ended + 1, counts[state] + 1
    if state == 'success' or state == 'skipped' or how == 'continue' then return end
    counts.failures = counts.failures + 1
    if how == 'stop' then stopped = stopped or node end
  end

  local function count_rows_of(node, how)
    local total = tonumber(redis.call('HGET', key .. ':left', node .. '[#]') or 0)
    local open, failed = 0, 0
    for i = 0, total - 1 do
      local row = node .. '[' .. i .. ']'
      count(row, states[row], how)
      if not FINAL[states[row] or ''] then open = open + 1 end
      if states[row] == 'failed' or states[row] == 'cancelled' then failed = failed + 1 end
      if not states[row] then ready[#ready + 1] = row end
    end
    redis.call('HDEL', key .. ':left', node .. '[!]')
    redis.call('HSET', key .. ':left', node .. '[]', open)
    if failed > 0 then redis.call('HSET', key .. ':left', node .. '[!]', failed) end
    local has_failed = failed > 0 and how ~= 'continue'
    if total > 0 and open == 0 and states[node] == 'expanded' then states[node] = has_failed and 'failed' or 'success' end
    redis.call('HSET', key .. ':states', node, states[node])
  end

  for _, node in ipairs(redis.call('LRANGE', key .. ':order', 0, -1)) do
    local how, children = read_node(workflow, node)
    if states[node] == 'skipped' and not blocked[node] then
      states[node] = nil
      redis.call('HDEL', key .. ':states', node)
    elseif blocked[node] and not states[node] then
      states[node] = 'skipped'
      redis.call('HSET', key .. ':states', node, 'skipped')
    end
    if states[node] and redis.call('HEXISTS', key .. ':left', node .. '[#]') == 1 then count_rows_of(node, how) end
    local state = states[node]
    count(node, state, how)
    local passes = state == 'success' or (state == 'failed' or state == 'cancelled') and how == 'continue'
    local skips = state == 'skipped' or (state == 'failed' or state == 'cancelled') and how == 'skip'
    for child in children do
      if skips then blocked[child] = true end
      if not passes then waits[child] = (waits[child] or 0) + 1 end
    end
    if not state then
      redis.call('HSET', key .. ':left', node, waits[node] or 0)
      if not waits[node] then ready[#ready + 1] = node end
    end
  end

  redis.call('HDEL', key, 'stopped')
  for name, number in pairs(counts) do redis.call('HSET', key, name, number) end
  stopped = stopped or redis.call('HEXISTS', key, 'cancel') == 1 and 'cancel' or nil
  if stopped then redis.call('HSET', key, 'stopped', stopped) end
  redis.call('DEL', key .. ':ready')
  for _, node in ipairs(ready) do redis.call('RPUSH', key .. ':ready', node) end
  start_ready_nodes(workflow, at, NODE_BATCH)
  end_if_over(workflow, at)
end

-- Lets a node run again, and the workflow go on with it: what its failure has stopped or skipped waits for it again.
local function reopen_workflow(workflow, at)
  redis.call('HDEL', workflow.key, 'finished_at', 'cancel', 'deadline')
  redis.call('ZREM', ENDED_WORKFLOWS, workflow.id)
  redis.call('HSET', workflow.key, 'status', 'running', 'updated_at', at)
  redis.call('ZADD', OPEN_WORKFLOWS, at, workflow.id)
end
local function reopen_node(workflow, node)
  redis.call('HSET', workflow.key .. ':states', node, 'pending')
  redis.call('SADD', workflow.key .. ':active', node)
  local base = node:match('^(.*)%[%d+%]$')
  if base then redis.call('HSET', workflow.key .. ':states', base, 'expanded') end
end

-- Notes that a job that is a node of a workflow runs again.
local function note_node_rerun(job, at) -- rarely
  local id, node = job.workflow:match('^(%S+) (.*)$')
  local workflow = load_workflow(id)
  if redis.call('EXISTS', workflow.key) == 0 or redis.call('SISMEMBER', workflow.key .. ':active', node) == 1 then return end
  reopen_workflow(workflow, at)
  reopen_node(workflow, node)
  settle_nodes(workflow, at)
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
    redis.call('DEL', key .. part)
  end
  redis.call('ZREM', WORKFLOWS, id)
  redis.call('ZREM', ENDED_WORKFLOWS, id)
  if tenant and tenant ~= '' then redis.call('ZREM', tenant_workflows_key(tenant), id) end
end
