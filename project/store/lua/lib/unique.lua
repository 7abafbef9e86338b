-- At most one job of a kind has a unique key. A job that wants one has unique_key; unique_during ('queued' | 'unfinished' |
-- seconds); and if wanted replaces: it takes the place of the one that waits; waits_for (seconds): it starts so long after
-- the last such order.
local MAX_DEBOUNCES = 10 -- a job that is replaced again and again starts after so many times waits_for

-- When a job that is ordered at ``at`` is due: at a moment, or after a delay by the clock of Redis; nil = at once
local function due_time(job, at)
  if job.delay then return string.format('%.6f', at + job.delay) end
  return job.due
end

-- The job that keeps a unique key from another; its id, and its fields if it has a record.
local function find_keeper(job)
  local id = redis.call('GET', unique_key(job.kind, job.unique_key))
  if not id or tonumber(job.unique_during) then return id end -- until the key expires
  local keeper = load_job(id)
  if not keeper or FINAL[keeper.status] then return nil end
  local is_queued = keeper.status == 'pending' or keeper.status == 'retrying'
  if not is_queued and (job.unique_during == 'queued' or job.replaces) then return nil end
  return id, keeper
end

local function keep_key(job)
  local key, seconds = unique_key(job.kind, job.unique_key), tonumber(job.unique_during)
  if not seconds then
    redis.call('SET', key, job.id)
    redis.call('HSET', job.key, 'unique', key)
  elseif seconds > 0 then
    redis.call('SET', key, job.id, 'PX', math.ceil(seconds * 1000))
  end
end

-- When a job starts that waits until no other is ordered for a while. since: when the first of these was ordered
local function debounced_time(job, at, since)
  local due = math.min(at + job.waits_for, since + MAX_DEBOUNCES * job.waits_for)
  return string.format('%.6f', math.max(due, tonumber(due_time(job, at) or 0)))
end

-- Enqueues a job, whose id is free, unless another keeps its unique key. -> nil, or the id of that one
local function enqueue_unique(job, payload, message, at, call_id)
  local keeper_id, keeper = nil, nil
  if job.unique_key then keeper_id, keeper = find_keeper(job) end
  if keeper_id and not job.replaces then return keeper_id end
  local since = keeper and redis.call('HGET', keeper.key, 'debounced_since') or at
  if keeper then end_cancelled(keeper, at, 'replaced by ' .. job.id .. ', which was ordered later with the same unique key') end
  create_record(job, payload, at, call_id)
  index_as_pending(job, { at, job.id })
  local due = due_time(job, at)
  if job.waits_for then
    due = debounced_time(job, at, since)
    redis.call('HSET', job.key, 'debounced_since', since)
  end
  if due then
    schedule(job, due, job.list or job.queue, message)
  else
    push_message(job.id, in_lane(job.list or job.queue, job.lane), message)
  end
  if job.unique_key then keep_key(job) end
end
