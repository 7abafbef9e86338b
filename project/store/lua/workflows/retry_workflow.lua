-- Lets a workflow that has ended without success go on: what failed is to run again, what that stopped or skipped waits for it.
-- ARGV: id -> 'unknown', 'running' or 'success' (there is nothing to retry); or 'reopened' and the ids of the jobs to run again
even_if_full()
local workflow, at = load_workflow(ARGV[1]), now()
local key, states = workflow.key, {}
local status = redis.call('HGET', key, 'status')
if not status then return { 'unknown' } end
if status == 'running' or status == 'success' then return { status } end
local found, answer = redis.call('HGETALL', key .. ':states'), { 'reopened' }
reopen_workflow(workflow, at)
for i = 1, #found, 2 do states[found[i]] = found[i + 1] end
for node, state in pairs(states) do
  local how = read_node(workflow, node:match('^(.*)%[%d+%]$') or node)
  if (state == 'failed' or state == 'cancelled') and how ~= 'continue' then
    local id = node_job_id(workflow.id, node)
    if redis.call('EXISTS', job_key(id)) == 1 then
      reopen_node(workflow, node)
      answer[#answer + 1] = id
    elseif redis.call('HEXISTS', key .. ':left', node .. '[#]') == 0 then
      redis.call('HDEL', key .. ':states', node) -- it failed without a job, or that is no longer kept
      redis.call('HDEL', key .. ':errors', node)
    end
  end
end
settle_nodes(workflow, at)
return answer
