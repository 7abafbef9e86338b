-- A job that failed or was cancelled is to run again: same id, its attempts counted on, its deaths forgotten.
-- ARGV: id, attempts so far, max_retries, queue, message -> 1, or 0 when it is not in such a state (any more)
even_if_full()
local id, attempts, max_retries, queue, message = unpack(ARGV)
local job = load(id)
local ended = job and (job.status == 'failed' or job.status == 'cancelled')
if not ended or job.attempts ~= tonumber(attempts) then return 0 end
redis.call('HDEL', job.key, 'finished_at', 'exception', 'cancel', 'deaths')
move(job, 'pending', now(), 'max_retries', max_retries, 'token', '')
push(id, queue, message)
return 1
