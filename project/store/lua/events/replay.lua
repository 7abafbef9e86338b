-- The events after one. ARGV: its id ('0-0': from the start, of a job from its order), how many are scanned at most, filter
-- (JSON: of job, kind, queue, status and tenant those that must be equal)
-- -> 1 (0: some of them are trimmed), 1 when there may be more, the id of the last event scanned, then of each event that
-- matches its id and its fields
local after, limit, filter = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
local is_start = after == '0-0'
local ordered_at = is_start and filter.job and redis.call('HGET', job_key(filter.job), 'created_at')
local from = ordered_at and string.format('%d-0', math.floor(ordered_at * 1000)) or after
local found = redis.call('XRANGE', EVENTS, from, '+', 'COUNT', is_start and limit or limit + 1)
local is_whole
if is_start then
  local first = redis.call('XRANGE', EVENTS, '-', '+', 'COUNT', 1)[1]
  local is_old = first and ordered_at and tonumber(first[1]:match('^%d+')) < math.floor(ordered_at * 1000)
  is_whole = is_old or redis.call('XLEN', EVENTS) < tonumber(MAX_EVENTS) -- or the first may be trimmed
else
  is_whole = found[1] and found[1][1] == after
  table.remove(found, 1)
end
if not is_whole then return { 0, 0, last_event_id() } end

local function matches(pairs_of_event)
  local event = {}
  for i = 1, #pairs_of_event, 2 do event[pairs_of_event[i]] = pairs_of_event[i + 1] end
  for name, value in pairs(filter) do
    if event[name == 'job' and 'id' or name] ~= value then return false end
  end
  return true
end

local answer = { 1, #found == limit and 1 or 0, #found > 0 and found[#found][1] or after }
local is_filtered = next(filter) ~= nil
for _, event in ipairs(found) do
  if not is_filtered or matches(event[2]) then answer[#answer + 1] = event end
end
return answer
