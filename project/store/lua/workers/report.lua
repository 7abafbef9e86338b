-- Stores what a worker says that it runs. A report that the network delivers late is refused.
-- ARGV: worker, number of the report, report (JSON: as_of (a time that Redis told before the report was made), running
-- (serials), settled (process -> its claims with smaller numbers are over, except those that run)) -> the time now
even_if_full()
local worker, number = ARGV[1], tonumber(ARGV[2])
local last = tonumber(redis.call('HGET', worker_key(worker), 'report') or 0)
if number <= last or not redis.call('ZSCORE', WORKERS, worker) then return now() end
redis.call('HSET', worker_key(worker), 'report', number)
redis.call('SET', report_key(worker), ARGV[3])
return now()
