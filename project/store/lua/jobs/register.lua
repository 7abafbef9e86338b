-- Makes a record for a message that a plain Celery client put on the queue, or for a job that is not sent, because one before it
-- in its canvas has failed. ARGV: job (JSON, see create_record), its payload, attempts so far, 1 if it is not sent
-- -> 1, or 0 when there is a record
even_if_full()
local job, payload, attempts = cjson.decode(ARGV[1]), ARGV[2], ARGV[3]
local at = now()
if not create_record(job, payload, at, '') then return 0 end
index_as_pending(job, { at, job.id })
redis.call('HSET', job.key, 'attempts', attempts)
if ARGV[4] == '1' then redis.call('HSET', job.key, 'unsent', 1) end
return 1
