-- A record for a message that a plain Celery client put on the queue. ARGV: id, kind, max_retries, payload, attempts so far
even_if_full()
local id, kind, max_retries, payload, attempts = unpack(ARGV)
if redis.call('EXISTS', job_key(id)) == 1 then return 0 end
local at = now()
create(id, kind, max_retries, payload, at, '')
list_as_pending(kind, { at, id })
redis.call('HSET', job_key(id), 'attempts', attempts)
return 1
