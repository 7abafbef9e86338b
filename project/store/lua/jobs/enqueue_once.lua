-- Enqueues a job unless the same was ordered before.
-- ARGV: call_id, job (JSON, see enqueue; also idempotency_key with idempotency_seconds, and unique_key, see lib/unique.lua),
-- its payload, its message, the whole order as text (kept with the idempotency key)
-- -> 'made', created_at, due ('' = at once) | 'replayed', the order of then, id, created_at | 'held', id of the job that has
-- the unique key | 'taken' (the id is)
local call_id, job, payload, message, order = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local at, idempotent = now(), job.idempotency_key

local creator, created_at, due = unpack(redis.call('HMGET', job_key(job.id), 'call', 'created_at', 'due_at'))
if creator == call_id then return { 'made', created_at, due or '' } end -- a repetition after a lost answer
if creator then return { 'taken' } end

local function keep_order(id, made_at)
  if not idempotent then return end
  redis.call('HSET', idempotent, 'order', order, 'id', id, 'created_at', made_at)
  redis.call('EXPIRE', idempotent, job.idempotency_seconds)
end

if idempotent then
  idempotent = prefix .. 'idempotent:' .. idempotent
  local before = redis.call('HMGET', idempotent, 'order', 'id', 'created_at')
  if before[1] then return { 'replayed', before[1], before[2], before[3] } end
end
local keeper = enqueue_unique(job, payload, message, at, call_id)
if keeper then
  keep_order(keeper, redis.call('HGET', job_key(keeper), 'created_at') or at)
  return { 'held', keeper }
end
keep_order(job.id, at)
return { 'made', at, redis.call('HGET', job.key, 'due_at') or '' }
