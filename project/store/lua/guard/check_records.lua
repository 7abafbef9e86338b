-- Looks at some records: is each in the index of its status, and does it say when it ended if it has? ARGV: cursor of SCAN
-- -> the next cursor ('0' = that was the end), then of each broken record its id and what is wrong
local cursor, keys = unpack(redis.call('SCAN', ARGV[1], 'MATCH', job_key('*'), 'COUNT', 500))
local answer, known = { cursor }, {}
for _, status in ipairs(STATUSES) do known[status] = true end

-- The workflow of a node is kept as long as its job has not ended, except when it was run again later.
local function find_node_fault(job)
  local id, node = job.workflow:match('^(%S+) (.*)$')
  local key = workflow_key(id)
  if job.rerun_id or FINAL[job.status] then return nil end
  if redis.call('EXISTS', key) == 0 then return 'it is a node of a workflow that is not there' end
  local base = node:match('^(.*)%[%d+%]$') or node
  if redis.call('HEXISTS', key .. ':graph', base) == 0 then return 'it is a node that its workflow does not have' end
end

local function find_fault(job)
  if not known[job.status] then return 'its status is ' .. tostring(job.status) end
  if not redis.call('ZSCORE', index_key(job.kind_queue, job.status), job.id) then return 'it is not in the index of its status' end
  local is_finished = redis.call('HEXISTS', job.key, 'finished_at') == 1
  if FINAL[job.status] and not is_finished then return 'it has ended and does not say when' end
  if is_finished and not FINAL[job.status] then return 'it has not ended and says when it ended' end
  if job.workflow then return find_node_fault(job) end
end

for _, key in ipairs(keys) do
  local id = key:sub(#job_key('') + 1)
  local is_read, job = pcall(load_job, id)
  local fault = not (is_read and job) and 'it cannot be read' or find_fault(job)
  if fault then answer[#answer + 1], answer[#answer + 2] = id, fault end
end
return answer
