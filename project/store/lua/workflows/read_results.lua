-- The results of nodes. ARGV: id of the workflow, then nodes
-- -> of each its state, how many rows it has ('' = it is no fan-out), then its result, or those of its rows; '' for one that has none
local workflow, answer = load_workflow(ARGV[1]), {}
local function result_of(node) return redis.call('HGET', job_key(node_job_id(workflow.id, node)), 'result') or '' end
for i = 2, #ARGV do
  local node = ARGV[i]
  local rows = redis.call('HGET', workflow.key .. ':left', node .. '[#]')
  local results = {}
  if rows then
    for place = 0, rows - 1 do results[#results + 1] = result_of(node .. '[' .. place .. ']') end
  else
    results[1] = result_of(node)
  end
  answer[i - 1] = { redis.call('HGET', workflow.key .. ':states', node) or '', rows or '', results }
end
return answer
