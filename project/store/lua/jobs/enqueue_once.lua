-- A job, unless the same was asked for before.
-- ARGV: idempotency key ('' = none), what was said with it, seconds it is kept; unique key ('' = none), for how long it
-- holds ('queued' | 'unfinished' | seconds from now); then as for one job of enqueue: call, id, label, max_retries,
-- payload, queue, message, due.
-- -> 'made', created_at | 'replayed', what was said, id, created_at | 'held', the holder's id | 'taken' (the id is)
local said_key, said, kept, unique, during = unpack(ARGV, 1, 5)
local call, id, label, max_retries, payload, queue, message, due = unpack(ARGV, 6)
local seconds, at = tonumber(during), now()

local own = redis.call('HMGET', job_key(id), 'call', 'created_at')
if own[1] == call then return { 'made', own[2] } end -- asked again after a lost answer
if own[1] then return { 'taken' } end

local function remember(job_id, created_at)
  if said_key == '' then return end
  redis.call('HSET', said_key, 'said', said, 'id', job_id, 'created_at', created_at)
  redis.call('EXPIRE', said_key, kept)
end

local function holds(holder)
  if seconds then return holder end -- until the key itself is gone
  local job = holder and load(holder)
  if during == 'queued' then return job and (job.status == 'pending' or job.status == 'retrying') end
  return job and not FINAL[job.status]
end

if said_key ~= '' then
  said_key = prefix .. 'idempotent:' .. said_key
  local before = redis.call('HMGET', said_key, 'said', 'id', 'created_at')
  if before[1] then return { 'replayed', before[1], before[2], before[3] } end
end
if unique ~= '' then
  unique = unique_key(label:match('^[^\n]*'), unique)
  local holder = redis.call('GET', unique)
  if holds(holder) then
    remember(holder, redis.call('HGET', job_key(holder), 'created_at') or at)
    return { 'held', holder }
  end
end

create(id, label, max_retries, payload, at, call)
list_as_pending(label, { at, id })
due = keep_callback(id, due)
if due == '' then
  push(id, queue, message)
else
  schedule({ id = id, key = job_key(id) }, due, queue, message)
end
remember(id, at)
if unique ~= '' and not seconds then
  redis.call('SET', unique, id)
  redis.call('HSET', job_key(id), 'unique', unique)
elseif unique ~= '' and seconds > 0 then
  redis.call('SET', unique, id, 'PX', math.ceil(seconds * 1000))
end
return { 'made', at }
