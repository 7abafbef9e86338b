-- Enqueues the jobs of an order, unless the order was made before under its idempotency key.
-- ARGV: call_id, idempotency key ('' = none), the whole order as text, seconds for which it is kept, jobs (JSON array, see
-- enqueue), then of each job its payload and its message
-- -> 'made' | 'replayed', the order of then, then of each job of then its id and its created_at, '' when the id was taken,
-- 'held:' and the id of the job that has its unique key
local call_id, key, order, seconds, jobs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], cjson.decode(ARGV[5])
local idempotent = key ~= '' and prefix .. 'idempotent:' .. key
if idempotent then
  local before, made, maker = unpack(redis.call('HMGET', idempotent, 'order', 'jobs', 'call'))
  local how = maker == call_id and 'made' or 'replayed' -- a repetition after a lost answer made them
  if before then return { how, before, unpack(cjson.decode(made)) } end
end

local made = {}
for i, created_at in ipairs(enqueue_jobs(call_id, jobs, ARGV, 6)) do
  made[2 * i - 1], made[2 * i] = jobs[i].id, created_at
end
if idempotent then
  redis.call('HSET', idempotent, 'order', order, 'jobs', cjson.encode(made), 'call', call_id)
  redis.call('EXPIRE', idempotent, seconds)
end
return { 'made', order, unpack(made) }
