-- Does what is due for the workflow that has waited longest: makes jobs of nodes that are ready, cancels those whose deadline is
-- over, finds out what became of jobs whose end was not noted. Deletes workflows past their retention.
-- ARGV: how many jobs it makes and how many it cancels or looks at, at most; retention in seconds
-- -> the seconds until the next is due ('' = nothing is open)
local MOST_FORGOTTEN, QUIET_SECONDS, MAX_QUIET_SECONDS = 20, 60, 3600
local at, most_made, most_looked_at, retention = now(), tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local function cutoff(seconds) return string.format('%.6f', at - seconds) end

-- A workflow in which nothing has ended for a while: ends that were not noted are noted now. -> whether there are more to look at
local function look_after(workflow)
  local cursor = redis.call('HGET', workflow.key, 'looked_at') or '0'
  local next_cursor, nodes = unpack(redis.call('SSCAN', workflow.key .. ':active', cursor, 'COUNT', most_looked_at))
  for _, node in ipairs(nodes) do
    local job = load_job(node_job_id(workflow.id, node))
    if not job then
      redis.call('HSET', workflow.key .. ':errors', node, 'its job is no longer there')
      note_node_end({ workflow = workflow.id .. ' ' .. node, status = 'failed' }, at)
    elseif FINAL[job.status] then
      job.workflow = workflow.id .. ' ' .. node
      note_node_end(job, at)
    end
  end
  redis.call('HSET', workflow.key, 'looked_at', next_cursor)
  if next_cursor ~= '0' then return true end
  if redis.call('HGET', workflow.key, 'status') == 'running' then settle_nodes(workflow, at) end
  return false
end

local function look_at(id)
  local workflow = load_workflow(id)
  local status, updated_at, deadline, cancel, quiet =
    unpack(redis.call('HMGET', workflow.key, 'status', 'updated_at', 'deadline', 'cancel', 'quiet'))
  if status ~= 'running' then return redis.call('ZREM', OPEN_WORKFLOWS, id) end
  if deadline and not cancel and tonumber(deadline) <= tonumber(at) then
    cancel = 'deadline'
    redis.call('HSET', workflow.key, 'cancel', cancel, 'stopped', 'deadline')
  end
  if cancel and cancel_nodes(workflow, at, most_looked_at) then return redis.call('ZADD', OPEN_WORKFLOWS, at, id) end
  if start_ready_nodes(workflow, at, most_made) then return end
  local wait = tonumber(quiet or QUIET_SECONDS)
  local next_look = tonumber(updated_at) + wait
  if next_look <= tonumber(at) then
    if look_after(workflow) then return redis.call('ZADD', OPEN_WORKFLOWS, at, id) end
    wait = math.min(2 * wait, MAX_QUIET_SECONDS)
    redis.call('HSET', workflow.key, 'quiet', wait)
    next_look = tonumber(at) + wait
  else
    redis.call('HSET', workflow.key, 'quiet', QUIET_SECONDS)
    next_look = tonumber(at) + QUIET_SECONDS
  end
  if deadline and not cancel then next_look = math.min(next_look, tonumber(deadline)) end
  if redis.call('HGET', workflow.key, 'status') == 'running' then
    redis.call('ZADD', OPEN_WORKFLOWS, string.format('%.6f', next_look), id)
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ENDED_WORKFLOWS, '-inf', cutoff(retention), 'LIMIT', 0, MOST_FORGOTTEN)) do forget_workflow(id) end
local first, due_at = unpack(redis.call('ZRANGE', OPEN_WORKFLOWS, 0, 0, 'WITHSCORES'))
if first and tonumber(due_at) <= tonumber(at) then
  redis.call('ZADD', OPEN_WORKFLOWS, at + QUIET_SECONDS, first) -- if something fails, the others have their turn
  look_at(first)
  due_at = redis.call('ZRANGE', OPEN_WORKFLOWS, 0, 0, 'WITHSCORES')[2]
end
return due_at and string.format('%.6f', math.max(due_at - at, 0)) or ''
