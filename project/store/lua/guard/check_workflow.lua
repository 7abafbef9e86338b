-- Looks at a workflow: do the counters of its nodes follow from their states, and can it go on? ARGV: id, at most so many faults
-- -> of each fault the node ('' = the workflow) and what is wrong
local QUIET_SECONDS = 5 -- while a retry goes on, jobs have ended that are to run again
local workflow, most, at = load_workflow(ARGV[1]), tonumber(ARGV[2]), now()
local key = workflow.key
local about = read_hash(key)
if not about.status then return {} end
local states, graph, left = read_hash(key .. ':states'), read_hash(key .. ':graph'), read_hash(key .. ':left')
local is_ready, is_active, answer, waits, ended, total = {}, {}, {}, {}, 0, 0
local active, ready = redis.call('SMEMBERS', key .. ':active'), redis.call('LRANGE', key .. ':ready', 0, -1)
for _, node in ipairs(ready) do is_ready[node] = true end
for _, node in ipairs(active) do is_active[node] = true end

local function note(node, fault)
  if #answer < 2 * most then answer[#answer + 1], answer[#answer + 2] = node, fault end
end

local function check_start(node)
  if not is_ready[node] and not about.stopped then note(node, 'it waits, though everything before it has ended') end
end

local function count(node)
  total = total + 1
  if FINAL[states[node]] or states[node] == 'skipped' then ended = ended + 1 end
  if states[node] == 'pending' and not is_active[node] then note(node, 'its job was made, and the workflow does not wait for it') end
end

local function check_rows(node, rows)
  local open = 0
  for i = 0, rows - 1 do
    local row = node .. '[' .. i .. ']'
    count(row)
    if not FINAL[states[row]] then open = open + 1 end
    if not states[row] then check_start(row) end
  end
  if tonumber(left[node .. '[]'] or 0) ~= open then
    note(node, string.format('its counter says that %s rows have not ended, and it is %d', left[node .. '[]'], open))
  end
end

local function check_counter(node)
  local wanted = waits[node] or 0
  if tonumber(left[node]) ~= wanted then
    note(node, string.format('its counter says that it waits for %s nodes, and it is %d', left[node], wanted))
  elseif wanted == 0 then
    check_start(node)
  end
end

local function check_active(node)
  local job = load_job(node_job_id(workflow.id, node))
  if not job then return note(node, 'its job is not there') end
  local is_quiet = tonumber(about.updated_at) + QUIET_SECONDS < tonumber(at)
  if FINAL[job.status] and is_quiet then note(node, 'its job has ended, and the workflow does not know') end
end

for _, node in ipairs(redis.call('LRANGE', key .. ':order', 0, -1)) do
  local how, children = parse_node(graph[node])
  count(node)
  if left[node .. '[#]'] then check_rows(node, tonumber(left[node .. '[#]'])) end
  local passes = FINAL[states[node]] and not is_failure(states[node], how)
  for _, child in ipairs(children) do
    if not passes then waits[child] = (waits[child] or 0) + 1 end
  end
  if not states[node] then check_counter(node) end
end
for _, node in ipairs(active) do check_active(node) end
if about.status ~= 'running' then
  if #active > 0 then note('', 'it has ended, and ' .. #active .. ' of its jobs have not') end
  return answer
end
if total ~= tonumber(about.total) or ended ~= tonumber(about.ended) then
  note('', string.format('%s of %s nodes have ended by its counts, and %d of %d have', about.ended, about.total, ended, total))
end
if not redis.call('ZSCORE', OPEN_WORKFLOWS, workflow.id) then note('', 'it runs, and no round looks at it') end
local is_over = #active == 0 and (#ready == 0 or about.stopped) and (not about.open or about.stopped)
if is_over then note('', 'it runs, and nothing of it is left to run') end
return answer
