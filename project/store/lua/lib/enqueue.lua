-- Whether a record waits for the job with its id: it was replaced, or it has ended without being sent, because a job before it in
-- its canvas had failed, which was rerun.
local function claim_place(old, at) -- rarely
  if old.status == 'pending' then return redis.call('HDEL', old.key, 'awaits') == 1 end
  if not FINAL[old.status] or redis.call('HDEL', old.key, 'unsent') == 0 then return false end
  redis.call('HDEL', old.key, 'finished_at', 'error', 'errors', 'exception', 'cancel')
  transition(old, 'pending', at)
  return true
end

-- Turns such a record into that of the job: a new kind, queue and message under the same id.
local function take_over(job, payload, at, call_id) -- rarely
  local old = load_job(job.id)
  if not old or not claim_place(old, at) then return false end
  move_to(old, job.kind, job.queue)
  redis.call('HSET', old.key, 'call', call_id, 'max_retries', job.max_retries, 'payload', payload, 'updated_at', at)
  redis.call('HDEL', old.key, 'lane')
  if job.lane then redis.call('HSET', old.key, 'lane', job.lane) end
  if job.canvas then redis.call('HSET', old.key, 'canvas', 1) end
  if job.parent then redis.call('HSET', old.key, 'parent', job.parent, 'parent_attempt', job.parent_attempt) end
  append_event(old, 'pending', 0)
  return true
end

-- Whether a job whose id is taken needs no record of its own: an earlier attempt of its parent has enqueued it and died then,
-- or it was to replace a job that was cancelled or has failed since.
local function is_settled(job) -- rarely
  local parent, attempt, awaits = unpack(redis.call('HMGET', job_key(job.id), 'parent', 'parent_attempt', 'awaits'))
  return awaits or job.parent and parent == job.parent and attempt ~= job.parent_attempt
end

-- Whether a job was to replace one that has ended since, and others wait for its end: its message is for the aftermath.
local function is_cancelled_canvas(job) -- rarely
  if not job.canvas or redis.call('HDEL', job.key, 'awaits') == 0 then return false end
  redis.call('HSET', job.key, 'aftermath', 1)
  return true
end

-- Makes records, puts them in their indexes and their messages on their lists.
-- texts: of each job its payload and its message, from the index first on -> for each job its created_at, or '' when the
-- id is taken, or 'held:' and the id of the job that has its unique key
local function enqueue_jobs(call_id, jobs, texts, first)
  local groups, lists = {}, {} -- what each index and each list gets, added together: a job among many costs half
  local created, answer = {}, {}

  local function created_before(job)
    if created[job.id] then return '' end -- the same id stands twice among the jobs
    local created_at, creator = unpack(redis.call('HMGET', job_key(job.id), 'created_at', 'call'))
    return (creator == call_id or is_settled(job)) and created_at or ''
  end

  local function add(group, item) group[#group + 1] = item end

  local function send(job, message, at)
    local list, due = in_lane(job.list or job.queue, job.lane), due_time(job, at)
    if due then
      schedule(job, due, list, message)
    elseif uses_other_broker then
      push_message(job.id, list, message)
    else
      lists[list] = lists[list] or {}
      add(lists[list], message)
    end
  end

  local second, micro = clock()
  for i, job in ipairs(jobs) do
    local at = timestamp(second, micro + i - 1) -- in the order given, also in lists
    local payload, message = texts[first + 2 * i - 2], texts[first + 2 * i - 1]
    if job.unique_key and redis.call('EXISTS', job_key(job.id)) == 0 then
      local keeper = enqueue_unique(job, payload, message, at, call_id)
      created[job.id] = not keeper
      if keeper then at = 'held:' .. keeper end
    elseif create_record(job, payload, at, call_id) then
      created[job.id] = true
      local name = job.kind .. '\n' .. job.queue .. '\n' .. (job.tags or '') .. '\n' .. (job.tenant or '')
      groups[name] = groups[name] or { job = job }
      add(groups[name], at)
      add(groups[name], job.id)
      send(job, message, at)
    elseif take_over(job, payload, at, call_id) or is_cancelled_canvas(job) then
      at = redis.call('HGET', job.key, 'created_at')
      send(job, message, at)
    else
      at = created_before(job)
    end
    add(answer, at)
  end
  for _, group in pairs(groups) do index_as_pending(group.job, group) end
  for list, messages in pairs(lists) do push_messages('LPUSH', list, messages) end
  return answer
end
