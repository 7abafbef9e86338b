-- A job, unless the same was asked for before.
-- ARGV: idempotency key ('' = none), what was said with it, seconds it is kept; unique key ('' = none), for how long it
-- holds ('queued' | 'unfinished' | seconds since the holder was made); then as for one job of enqueue: call, id, kind,
-- max_retries, payload, queue, message, due.
-- -> 'made', created_at | 'replayed', what was said, id, created_at | 'held', the holder's id | 'taken' (the id is)
local said_key, said, kept, unique, during = unpack(ARGV, 1, 5)
local call, id, kind, max_retries, payload, queue, message, due = unpack(ARGV, 6)

if said_key ~= '' then
  said_key = prefix .. 'idempotent:' .. said_key
  local before = redis.call('HMGET', said_key, 'said', 'id', 'created_at')
  if before[2] == id then return { 'made', before[3] } end -- asked again after a lost answer
  if before[1] then return { 'replayed', before[1], before[2], before[3] } end
end

local function holds(holder, at)
  local job = holder and load(holder)
  if not job then return false end
  if during == 'queued' then return job.status == 'pending' or job.status == 'retrying' end
  if during == 'unfinished' then return not FINAL[job.status] end
  return tonumber(job.created_at) + tonumber(during) > tonumber(at)
end

local at = now()
if unique ~= '' then
  unique = unique_key(kind, unique)
  local holder = redis.call('GET', unique)
  if holder == id then return { 'made', load(id).created_at } end
  if holds(holder, at) then return { 'held', holder } end
end

if not create(id, kind, max_retries, payload, at, call) then return { 'taken' } end
list_as_pending(kind, { at, id })
if due == '' then
  push(id, queue, message)
else
  schedule({ id = id, key = job_key(id) }, due, queue, message)
end
if said_key ~= '' then
  redis.call('HSET', said_key, 'said', said, 'id', id, 'created_at', at)
  redis.call('EXPIRE', said_key, kept)
end
if unique ~= '' then
  redis.call('SET', unique, id)
  redis.call('HSET', job_key(id), 'unique', unique)
end
return { 'made', at }
