-- Lets a workflow that has ended without success go on: what failed is to run again, what that stopped or skipped waits for it.
-- The nodes are looked at in steps; the last step computes what follows. Their jobs are run again afterwards: list_to_rerun.
-- ARGV: id, cursor ('' = the first step), at most about so many nodes
-- -> 'unknown', 'running' or 'success' (there is nothing to retry); or 'reopened' and the cursor of the next step ('0' = that was all)
even_if_full()
local workflow, at, cursor = load_workflow(ARGV[1]), now(), ARGV[2]
local key, nodes, forgotten = workflow.key, {}, {}
if cursor == '' then
  local status = redis.call('HGET', key, 'status')
  if not status then return { 'unknown' } end
  if status == 'running' or status == 'success' then return { status } end
  reopen_workflow(workflow, at)
end
local next_cursor, found = unpack(redis.call('HSCAN', key .. ':states', cursor == '' and '0' or cursor, 'COUNT', ARGV[3]))
for i = 1, #found, 2 do
  local node, state = found[i], found[i + 1]
  if (state == 'failed' or state == 'cancelled') and is_failure(state, (read_node(workflow, base_of(node) or node))) then
    if redis.call('EXISTS', job_key(node_job_id(workflow.id, node))) == 1 then
      nodes[#nodes + 1] = node
    elseif redis.call('HEXISTS', key .. ':left', node .. '[#]') == 0 then
      forgotten[#forgotten + 1] = node -- it failed without a job, or that is no longer kept
    end
  end
end
reopen_nodes(workflow, nodes)
call_in_batches('HDEL', key .. ':states', forgotten)
call_in_batches('HDEL', key .. ':errors', forgotten)
if next_cursor == '0' then settle_nodes(workflow, at) end
return { 'reopened', next_cursor }
