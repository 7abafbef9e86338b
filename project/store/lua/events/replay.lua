-- What happened after an event. ARGV: its id ('0-0': from the start), most looked at, then what to pick: job, kind,
-- queue, status, tenant ('' = any). -> 1 (0: some of it is forgotten), 1 when there may be more, the id of the last event looked at,
-- then per event picked its id and its fields.
local after, most, wanted = ARGV[1], tonumber(ARGV[2]), { unpack(ARGV, 3, 7) }
local is_start = after == '0-0'
local found = redis.call('XRANGE', EVENTS, after, '+', 'COUNT', is_start and most or most + 1)
local known
if is_start then
  known = redis.call('XLEN', EVENTS) < tonumber(MOST_EVENTS) -- or the first may be gone
else
  known = found[1] and found[1][1] == after
  table.remove(found, 1)
end
if not known then return { 0, 0, last_event() } end

local function is_wanted(fields) -- their order is that of note()
  local kind, queue = fields[4]:match('^([^\n]*)\n?([^\n]*)')
  local tenant = fields[4]:match('\ntenant:([^\n]*)')
  local has = { fields[2], kind, queue == '' and DEFAULT_QUEUE or queue, fields[6], tenant }
  for i = 1, #wanted do
    if wanted[i] ~= '' and wanted[i] ~= has[i] then return false end
  end
  return true
end

local answer = { 1, #found == most and 1 or 0, #found > 0 and found[#found][1] or after }
for _, event in ipairs(found) do
  if is_wanted(event[2]) then answer[#answer + 1] = event end
end
return answer
