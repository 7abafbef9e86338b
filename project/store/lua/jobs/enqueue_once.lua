-- Enqueues a job unless the same was ordered before.
-- ARGV: call_id, job (JSON, see enqueue; also idempotency_key with idempotency_seconds, and unique_key with unique_during:
-- 'queued' | 'unfinished' | seconds), its payload, its message, the whole order as text (kept with the idempotency key)
-- -> 'made', created_at | 'replayed', the order of then, id, created_at | 'held', id of the job that has the unique key |
-- 'taken' (the id is)
local call_id, job, payload, message, order = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local at, idempotent, unique = now(), job.idempotency_key, job.unique_key
local seconds = tonumber(job.unique_during)

local creator, created_at = unpack(redis.call('HMGET', job_key(job.id), 'call', 'created_at'))
if creator == call_id then return { 'made', created_at } end -- a repetition after a lost answer
if creator then return { 'taken' } end

local function keep_order(id, made_at)
  if not idempotent then return end
  redis.call('HSET', idempotent, 'order', order, 'id', id, 'created_at', made_at)
  redis.call('EXPIRE', idempotent, job.idempotency_seconds)
end

local function holds_key(holder)
  if seconds then return holder end -- until the key expires
  local other = holder and load_job(holder)
  if job.unique_during == 'queued' then return other and (other.status == 'pending' or other.status == 'retrying') end
  return other and not FINAL[other.status]
end

if idempotent then
  idempotent = prefix .. 'idempotent:' .. idempotent
  local before = redis.call('HMGET', idempotent, 'order', 'id', 'created_at')
  if before[1] then return { 'replayed', before[1], before[2], before[3] } end
end
if unique then
  unique = unique_key(job.kind, unique)
  local holder = redis.call('GET', unique)
  if holds_key(holder) then
    keep_order(holder, redis.call('HGET', job_key(holder), 'created_at') or at)
    return { 'held', holder }
  end
end

create_record(job, payload, at, call_id)
index_as_pending(job, { at, job.id })
local due = due_time(job, at)
if due then
  schedule(job, due, job.list or job.queue, message)
else
  push_message(job.id, in_lane(job.list or job.queue, job.lane), message)
end
keep_order(job.id, at)
if unique and not seconds then
  redis.call('SET', unique, job.id)
  redis.call('HSET', job.key, 'unique', unique)
elseif unique and seconds > 0 then
  redis.call('SET', unique, job.id, 'PX', math.ceil(seconds * 1000))
end
return { 'made', at }
