-- A record (pending), its place in the lists and its message; or nothing at all.
-- ARGV: id, kind, max_retries, payload, queue, message, due ('' = now), call (names this call, also when it is asked
-- again after a lost answer). -> created_at, or nil when the id was taken by another call
local id, kind, max_retries, payload, queue, message, due, call = unpack(ARGV)
local known = redis.call('HMGET', job_key(id), 'created_at', 'call')
if known[1] then return known[2] == call and known[1] or nil end
local at = now()
create(id, kind, max_retries, payload, at, call)
if due == '' then
  push(id, queue, message)
else
  schedule({ id = id, key = job_key(id) }, due, queue, message)
end
return at
