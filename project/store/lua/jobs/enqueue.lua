-- Makes records, puts them in their indexes and their messages on their lists; all of it or nothing.
-- ARGV: call_id (names this call, so that a repetition after a lost answer is recognised), jobs (JSON array), then of each
-- job its payload and its message. A job: see create_record; also list, if that is not named like its queue, and due
-- (seconds since the epoch), if not now.
-- -> for each job its created_at, or '' when the id is taken
local call_id, jobs, answer = ARGV[1], cjson.decode(ARGV[2]), {}
local groups, lists = {}, {} -- what each index and each list gets, added together: a job among many costs half

local created = {}
local function created_by_this_call(id)
  if created[id] then return '' end -- the same id stands twice among the jobs
  local created_at, creator = unpack(redis.call('HMGET', job_key(id), 'created_at', 'call'))
  return creator == call_id and created_at or ''
end

local function add(group, item) group[#group + 1] = item end

local function send(job, message)
  local list = job.list or job.queue
  if job.due then
    schedule(job, job.due, list, message)
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
  if create_record(job, ARGV[2 * i + 1], at, call_id) then
    created[job.id] = true
    local name = job.kind .. '\n' .. job.queue .. '\n' .. (job.tags or '') .. '\n' .. (job.tenant or '')
    groups[name] = groups[name] or { job = job }
    add(groups[name], at)
    add(groups[name], job.id)
    send(job, ARGV[2 * i + 2])
  else
    at = created_by_this_call(job.id)
  end
  add(answer, at)
end
for _, group in pairs(groups) do index_as_pending(group.job, group) end
for list, messages in pairs(lists) do push_messages('LPUSH', list, messages) end
return answer
