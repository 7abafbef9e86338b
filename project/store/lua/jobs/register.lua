-- A record for a message that a plain Celery client put on the queue. ARGV: id, label, max_retries, payload, attempts so far
-- -> 1, or 0 when there is one
even_if_full()
local id, label, max_retries, payload, attempts = unpack(ARGV)
local at = now()
if not create(id, label, max_retries, payload, at, '') then return 0 end
list_as_pending(label, { at, id })
redis.call('HSET', job_key(id), 'attempts', attempts)
return 1
