-- The canvas that a job is part of. ARGV: id, at most so many jobs
-- -> nothing when it is part of none; else its name, how many jobs are known to be in it, then of each job, oldest first, its id,
-- status, kind, attempts, created_at, started_at, finished_at, error, tenant, parent and plan; then of those that a plan names and
-- that are in it otherwise not
local most = tonumber(ARGV[2])
local canvas = redis.call('HGET', job_key(ARGV[1]), 'canvas_of')
if not canvas then return {} end
local answer, known, planned = { canvas, redis.call('ZCARD', canvas_key(canvas)) }, {}, {}

local function add(id)
  if known[id] or #answer - 2 >= most then return end
  known[id] = true
  local row = redis.call('HMGET', job_key(id), 'status', 'kind', 'attempts', 'created_at', 'started_at', 'finished_at', 'error', 'tenant',
    'parent', 'plan')
  if not row[1] then return end
  answer[#answer + 1] = { id, unpack(row) }
  for _, step in ipairs(row[10] and cjson.decode(row[10]) or {}) do planned[#planned + 1] = step[1] end
end

for _, id in ipairs(redis.call('ZRANGE', canvas_key(canvas), 0, most - 1)) do add(id) end
for _, id in ipairs(planned) do add(id) end
return answer
