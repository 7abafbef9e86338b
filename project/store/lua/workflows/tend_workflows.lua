-- Does what is due for workflows: makes jobs of nodes that are ready, cancels those whose deadline is over, finds out what
-- became of jobs whose end was not noted, and deletes workflows past their retention.
-- ARGV: at most so many jobs, retention in seconds -> the seconds until the next is due ('' = nothing is open)
local MOST_WORKFLOWS, QUIET_SECONDS, MAX_QUIET_SECONDS = 20, 60, 3600
local at, most, retention = now(), tonumber(ARGV[1]), tonumber(ARGV[2])

local function cutoff(seconds) return string.format('%.6f', at - seconds) end

-- A workflow in which nothing has ended for a while: ends that were not noted are noted now.
local function look_after(workflow)
  for _, node in ipairs(redis.call('SMEMBERS', workflow.key .. ':active')) do
    local job = load_job(node_job_id(workflow.id, node))
    if not job then
      redis.call('HSET', workflow.key .. ':errors', node, 'its job is no longer there')
      note_node_end({ workflow = workflow.id .. ' ' .. node, status = 'failed' }, at)
    elseif FINAL[job.status] then
      job.workflow = workflow.id .. ' ' .. node
      note_node_end(job, at)
    end
  end
  if redis.call('HGET', workflow.key, 'status') == 'running' then settle_nodes(workflow, at) end
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
  if cancel and cancel_nodes(workflow, at, most) then return redis.call('ZADD', OPEN_WORKFLOWS, at, id) end
  if start_ready_nodes(workflow, at, most) then return end
  local wait = tonumber(quiet or QUIET_SECONDS)
  local next_look = tonumber(updated_at) + wait
  if next_look <= tonumber(at) then
    wait = math.min(2 * wait, MAX_QUIET_SECONDS)
    redis.call('HSET', workflow.key, 'quiet', wait)
    look_after(workflow)
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

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ENDED_WORKFLOWS, '-inf', cutoff(retention), 'LIMIT', 0, MOST_WORKFLOWS)) do forget_workflow(id) end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', OPEN_WORKFLOWS, '-inf', at, 'LIMIT', 0, MOST_WORKFLOWS)) do look_at(id) end
local first = redis.call('ZRANGE', OPEN_WORKFLOWS, 0, 0, 'WITHSCORES')[2]
return first and string.format('%.6f', math.max(first - at, 0)) or ''
