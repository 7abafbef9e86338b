-- Records (pending), their places in the lists and their messages; or nothing at all.
-- ARGV: call (names this call, also when it is asked again after a lost answer), then per job: id, kind, max_retries,
-- payload, queue, message, due ('' = now). -> per job created_at, or '' when the id was taken by another call
local call, answer = ARGV[1], {}
local places, waiting = {}, {} -- per kind, per list: added together, which makes many jobs in one call twice as quick
local function add(lists, name, ...)
  lists[name] = lists[name] or {}
  for _, item in ipairs({ ... }) do table.insert(lists[name], item) end
end

for i = 2, #ARGV, 7 do
  local id, kind, max_retries, payload, list, message, due = unpack(ARGV, i, i + 6)
  local known = redis.call('HMGET', job_key(id), 'created_at', 'call')
  if known[1] then
    answer[#answer + 1] = known[2] == call and known[1] or ''
  else
    local at = now(#answer) -- in the order given, also in lists
    create(id, kind, max_retries, payload, at, call)
    add(places, kind, at, id)
    if due ~= '' then
      schedule({ id = id, key = job_key(id) }, due, list, message)
    elseif elsewhere then
      push(id, list, message)
    else
      add(waiting, list, message)
    end
    answer[#answer + 1] = at
  end
end
for kind, places_of_kind in pairs(places) do list_as_pending(kind, places_of_kind) end
for list, messages in pairs(waiting) do
  redis.call('LPUSH', list, unpack(messages))
  redis.call('SADD', QUEUES, list)
  ring(list)
end
return answer
