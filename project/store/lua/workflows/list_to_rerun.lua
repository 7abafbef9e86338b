-- Lists the jobs of nodes of a workflow that have ended though their nodes have not: they are to run again.
-- ARGV: id, cursor ('0' = from the start), at most about so many nodes -> the next cursor ('0' = that was all), then ids of jobs
local workflow = load_workflow(ARGV[1])
local next_cursor, nodes = unpack(redis.call('SSCAN', workflow.key .. ':active', ARGV[2], 'COUNT', ARGV[3]))
local answer = { next_cursor }
for _, node in ipairs(nodes) do
  local id = node_job_id(workflow.id, node)
  if FINAL[redis.call('HGET', job_key(id), 'status')] then answer[#answer + 1] = id end
end
return answer
