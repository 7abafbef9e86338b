-- Records (pending), their places in the lists and their messages; or nothing at all.
-- ARGV: call (names this call, also when it is asked again after a lost answer), then per job: id, label, max_retries,
-- payload, queue, message, due ('' = now; see keep_callback). -> per job created_at, or '' when the id was taken by
-- another call
local call, answer = ARGV[1], {}
local listed, queued = {}, {} -- what is added to each list, together: so a job among many costs half of one alone

local seen = {}
local function known(id)
  if seen[id] then return '' end
  local job = redis.call('HMGET', job_key(id), 'created_at', 'call')
  return job[2] == call and job[1] or ''
end

local function add(lists, name, item)
  local list = lists[name]
  if list then list[#list + 1] = item else lists[name] = { item } end
end

local second, micro = clock()
for i = 2, #ARGV, 7 do
  local id, label, queue, due = ARGV[i], ARGV[i + 1], ARGV[i + 4], ARGV[i + 6]
  local at = timestamp(second, micro + #answer) -- in the order given, also in lists
  if not create(id, label, ARGV[i + 2], ARGV[i + 3], at, call) then
    at = known(id)
  else
    seen[id] = true
    add(listed, label, at)
    add(listed, label, id)
    if due ~= '' then due = keep_callback(id, due) end
    if due ~= '' then
      schedule({ id = id, key = job_key(id) }, due, queue, ARGV[i + 5])
    elseif elsewhere then
      push(id, queue, ARGV[i + 5])
    else
      add(queued, queue, ARGV[i + 5])
    end
  end
  answer[#answer + 1] = at
end
for label, places in pairs(listed) do list_as_pending(label, places) end
for queue, messages in pairs(queued) do push_all(queue, messages) end
return answer
