-- A workflow is a hash: name, tenant, status (running | success | failed | cancelled), created_at, updated_at, finished_at,
-- total and ended (nodes), a count for each final state, failures (those that its end counts), stopped (the node whose failure
-- stopped it), cancel (why), deadline, callback. Beside it, under its key and:
-- :order   list: its nodes, each after those that it waits for
-- :graph   hash: node -> what its failure does (stop | continue | skip), then the nodes that wait for it; between spaces
-- :jobs    hash: node -> its job (JSON, see create_record), with payload and message
-- :each    hash: node that is a fan-out -> where its rows are: node.result.path
-- :left    hash: node -> how many nodes it waits for; node[] -> how many of its rows have not ended; node[#] -> its rows;
--          node[!] -> how many rows have ended without success; node[<] and node[>] -> when it became rows, and when they had ended
-- :states  hash: node -> pending (its job is made) | expanded (the jobs of its rows are) | success | failed | cancelled | skipped
-- :active  set: nodes whose jobs have not ended
-- :ready   list: nodes that wait for no other, and have no job yet
-- :errors  hash: node that failed without a job -> why
-- :hooks   hash: on_success | on_failure | on_complete -> a job (JSON) that is made when the workflow has ended so
-- A row of a fan-out is a node as well: node[0]. A batch is a workflow whose nodes wait for none; while it has the field open, more
-- can come, and it does not end.
local NODE_BATCH = 100 -- jobs that the end of a node makes at most; rounds make the others
local MAX_ROWS = 10000
local MOST_VALUES = 1000 -- of one command

local function load_workflow(id) return { id = id, key = workflow_key(id) } end

local function in_batches(values, act)
  for i = 1, #values, MOST_VALUES do act(unpack(values, i, math.min(i + MOST_VALUES - 1, #values))) end
end
local function call_in_batches(command, key, values)
  in_batches(values, function(...) redis.call(command, key, ...) end)
end
local function read_fields(key, names)
  local values = {}
  in_batches(names, function(...)
    for _, value in ipairs(redis.call('HMGET', key, ...)) do values[#values + 1] = value end
  end)
  return values
end

local function node_job_id(id, node)
  return (redis.sha1hex(id .. '\n' .. node):gsub('^(........)(....).(...).(...)(............).*', '%1-%2-5%3-8%4-%5'))
end

local function list_words(text)
  local words = {}
  for word in text:gmatch('%S+') do words[#words + 1] = word end
  return words
end

-- What the failure of a node does, and the nodes that wait for it.
local function parse_node(graph)
  local how, children = graph:match('^(%S+)(.*)$')
  return how, list_words(children)
end
local function read_node(workflow, node) return parse_node(redis.call('HGET', workflow.key .. ':graph', node)) end

-- Makes the record of the job of a node; whether it is new. job: that of the node, or of all rows of a fan-out
local function create_node_record(workflow, job, node, at)
  job.id = node_job_id(workflow.id, node)
  if not create_record(job, job.payload, at, workflow.id) then return false end -- a round finds out what became of it
  redis.call('HSET', job.key, 'workflow', workflow.id .. ' ' .. node)
  if job.each then redis.call('HSET', job.key, 'each', job.each) end
  return true
end

-- Makes the jobs of nodes. What several have in common is written once, as in enqueue_jobs.
local function make_node_jobs(workflow, nodes, at)
  if #nodes == 0 then return end
  local bases, states, groups, lists, decoded = {}, {}, {}, {}, {}
  for i, node in ipairs(nodes) do
    bases[i] = node:match('^(.*)%[%d+%]$') or node
    states[2 * i - 1], states[2 * i] = node, 'pending'
  end
  local texts = redis.call('HMGET', workflow.key .. ':jobs', unpack(bases))
  redis.call('HSET', workflow.key .. ':states', unpack(states))
  redis.call('SADD', workflow.key .. ':active', unpack(nodes))
  for i, node in ipairs(nodes) do
    local job = decoded[bases[i]] or cjson.decode(texts[i])
    decoded[bases[i]] = job
    if create_node_record(workflow, job, node, at) then
      local message, list = job.message, job.list or job.queue
      if bases[i] ~= node then message = message:gsub('@item@', node:match('%[(%d+)%]$'), 1):gsub('@id@', job.id) end
      local name = job.kind .. '\n' .. job.queue .. '\n' .. (job.tags or '')
      local group = groups[name] or { job = job }
      groups[name] = group
      group[#group + 1], group[#group + 2] = at, job.id
      local due = job.delay and string.format('%.6f', at + job.delay) or job.due or uses_other_broker and at
      if due then
        schedule(job, due, list, message) -- the round that promotes what is due sends it
      else
        list = in_lane(list, job.lane)
        lists[list] = lists[list] or {}
        lists[list][#lists[list] + 1] = message
      end
    end
  end
  for _, group in pairs(groups) do index_as_pending(group.job, group) end
  for list, messages in pairs(lists) do push_messages('LPUSH', list, messages) end
end

-- The part of a result that a path names; nil if it has none.
local function pick(value, path)
  for step in path:gmatch('[^.]+') do
    if type(value) ~= 'table' then return nil end
    local place = tonumber(step)
    if value[step] ~= nil then value = value[step] else value = place and value[place + 1] end
  end
  return value
end

-- How many rows a fan-out has, of what it names: node.result.path; or nil, and what is wrong.
local function count_rows(workflow, each)
  local node, path = each:match('^([^.]+)%.result%.?(.*)$')
  local rows = tonumber(redis.call('HGET', workflow.key .. ':left', node .. '[#]'))
  if rows and path == '' then return rows end
  local state = redis.call('HGET', workflow.key .. ':states', node)
  if state ~= 'success' and not rows then return 0 end -- it failed, which was to be passed over
  local first, rest = path:match('^(%d+)%.?(.*)$')
  if rows and first then node, path = node .. '[' .. first .. ']', rest end
  local is_read, result = pcall(cjson.decode, redis.call('HGET', job_key(node_job_id(workflow.id, node)), 'result') or 'null')
  local found = is_read and pick(result, path)
  if type(found) ~= 'table' or next(found) ~= nil and found[1] == nil then return nil, each .. ' is not a list' end
  if #found > MAX_ROWS then return nil, each .. ' has more than ' .. MAX_ROWS .. ' rows' end
  return #found
end

-- All that wait for a node that failed, and all that wait for those, are skipped.
local function skip_after(workflow, node)
  local seen, level, skipped = {}, { node }, {}
  while #level > 0 do
    local children, next_level = {}, {}
    for _, graph in ipairs(read_fields(workflow.key .. ':graph', level)) do
      local _, of_node = parse_node(graph)
      for _, child in ipairs(of_node) do
        if not seen[child] then children[#children + 1] = child end
        seen[child] = true
      end
    end
    for i, state in ipairs(read_fields(workflow.key .. ':states', children)) do
      if not state then
        next_level[#next_level + 1] = children[i]
        skipped[#skipped + 1], skipped[#skipped + 2] = children[i], 'skipped'
      end
    end
    level = next_level
  end
  if #skipped == 0 then return end
  call_in_batches('HSET', workflow.key .. ':states', skipped)
  redis.call('HINCRBY', workflow.key, 'ended', #skipped / 2)
  redis.call('HINCRBY', workflow.key, 'skipped', #skipped / 2)
end

-- A node has ended of those that these wait for: those that wait for no other are ready.
local function count_down(workflow, children)
  local left, ready = {}, {}
  for i, count in ipairs(read_fields(workflow.key .. ':left', children)) do
    left[2 * i - 1], left[2 * i] = children[i], count - 1
    if count == '1' then ready[#ready + 1] = children[i] end
  end
  call_in_batches('HSET', workflow.key .. ':left', left)
  call_in_batches('RPUSH', workflow.key .. ':ready', ready)
end

-- Notes how a node ended: the last one of those that a node waits for makes it ready.
local function end_node(workflow, node, status)
  local key, base = workflow.key, node:match('^(.*)%[%d+%]$')
  redis.call('HSET', key .. ':states', node, status)
  redis.call('HINCRBY', key, 'ended', 1)
  redis.call('HINCRBY', key, status, 1)
  local how, children = read_node(workflow, base or node)
  local is_failure = status ~= 'success' and how ~= 'continue'
  if is_failure then
    redis.call('HINCRBY', key, 'failures', 1)
    if how == 'stop' then redis.call('HSETNX', key, 'stopped', node) end
  end
  if base then
    if status ~= 'success' then redis.call('HINCRBY', key .. ':left', base .. '[!]', 1) end
    if redis.call('HINCRBY', key .. ':left', base .. '[]', -1) > 0 then return end
    redis.call('HSET', key .. ':left', base .. '[>]', now())
    local has_failed = how ~= 'continue' and tonumber(redis.call('HGET', key .. ':left', base .. '[!]') or 0) > 0
    return end_node(workflow, base, has_failed and 'failed' or 'success')
  end
  if is_failure and how == 'skip' then return skip_after(workflow, node) end
  if is_failure then return end
  count_down(workflow, children)
end

local function add_ready_rows(workflow, node, rows)
  local names = {}
  for i = 0, rows - 1 do names[i + 1] = node .. '[' .. i .. ']' end
  call_in_batches('RPUSH', workflow.key .. ':ready', names)
end

-- Makes a node of each row of a fan-out.
local function expand_node(workflow, node, each)
  local rows, fault = count_rows(workflow, each)
  redis.call('HSET', workflow.key .. ':left', node .. '[<]', now(), node .. '[>]', now())
  if not rows then
    redis.call('HSET', workflow.key .. ':errors', node, fault)
    return end_node(workflow, node, 'failed')
  end
  if rows == 0 then
    redis.call('HSET', workflow.key .. ':left', node .. '[#]', 0)
    return end_node(workflow, node, 'success')
  end
  redis.call('HSET', workflow.key .. ':states', node, 'expanded')
  redis.call('HSET', workflow.key .. ':left', node .. '[]', rows, node .. '[#]', rows)
  redis.call('HINCRBY', workflow.key, 'total', rows)
  add_ready_rows(workflow, node, rows)
end

-- Makes jobs of nodes that are ready, at most so many. -> whether there are more
local function start_ready_nodes(workflow, at, most)
  local ready, left = workflow.key .. ':ready', most
  while left > 0 do
    if redis.call('HEXISTS', workflow.key, 'stopped') == 1 then return false end
    local nodes = redis.call('LPOP', ready, left)
    if not nodes then return false end
    left = left - #nodes
    local states = redis.call('HMGET', workflow.key .. ':states', unpack(nodes))
    local rows = redis.call('HMGET', workflow.key .. ':each', unpack(nodes))
    local found = {}
    for i, node in ipairs(nodes) do
      if states[i] then
        -- it has been started before
      elseif rows[i] then
        expand_node(workflow, node, rows[i])
      else
        found[#found + 1] = node
      end
    end
    make_node_jobs(workflow, found, at)
  end
  if redis.call('EXISTS', ready) == 0 then return false end
  redis.call('ZADD', OPEN_WORKFLOWS, at, workflow.id)
  return true
end

-- Makes the jobs that a batch wants when it has ended.
local function make_hook_jobs(workflow, status, at)
  local function make(name)
    local text = redis.call('HGET', workflow.key .. ':hooks', name)
    if not text then return end
    local job = cjson.decode(text)
    job.id = node_job_id(workflow.id, name .. at)
    if not create_record(job, job.payload, at, workflow.id) then return end
    index_as_pending(job, { at, job.id })
    redis.call('HSET', workflow.key, name, job.id)
    local list, message = job.list or job.queue, job.message:gsub('@id@', job.id)
    local due = job.delay and string.format('%.6f', at + job.delay) or job.due or uses_other_broker and at
    if due then schedule(job, due, list, message) else push_message(job.id, in_lane(list, job.lane), message) end
  end
  if redis.call('EXISTS', workflow.key .. ':hooks') == 0 then return end
  make(status == 'success' and 'on_success' or 'on_failure')
  make('on_complete')
end

-- Ends a workflow of which no node runs or can start any more.
local function end_if_over(workflow, at)
  local status, ended, total, stopped, failures, cancel, callback, is_open =
    unpack(redis.call('HMGET', workflow.key, 'status', 'ended', 'total', 'stopped', 'failures', 'cancel', 'callback', 'open'))
  if status ~= 'running' or is_open and not stopped then return end
  if ended ~= total and not (stopped and redis.call('SCARD', workflow.key .. ':active') == 0) then return end
  status = cancel and (cancel == 'deadline' and 'failed' or 'cancelled') or tonumber(failures or 0) > 0 and 'failed' or 'success'
  redis.call('DEL', workflow.key .. ':ready')
  redis.call('ZREM', OPEN_WORKFLOWS, workflow.id)
  redis.call('HSET', workflow.key, 'status', status, 'finished_at', at, 'updated_at', at)
  redis.call('ZADD', ENDED_WORKFLOWS, at, workflow.id)
  make_hook_jobs(workflow, status, at)
  local starter = load_job(workflow.id) -- a job of the kind workflow has its id, and waits for its end
  if starter then send_signal(starter, 'end', cjson.encode(status), at) end
  if callback then
    enqueue_callback({ id = workflow.id, key = workflow.key, status = status, callback = callback }, at)
    redis.call('HSET', job_key(redis.call('HGET', workflow.key, 'delivery')), 'reported_workflow', 1)
  end
end

-- Notes the end of a job that is a node of a workflow.
local function note_node_end(job, at) -- rarely
  local id, node = job.workflow:match('^(%S+) (.*)$')
  local workflow = load_workflow(id)
  if redis.call('SREM', workflow.key .. ':active', node) == 0 then return end
  redis.call('HSET', workflow.key, 'updated_at', at)
  end_node(workflow, node, job.status)
  start_ready_nodes(workflow, at, NODE_BATCH)
  end_if_over(workflow, at)
end
