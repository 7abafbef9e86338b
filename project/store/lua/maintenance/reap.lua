-- Requeues the jobs of workers whose lease has ended, except in the grace period after an outage.
-- ARGV: seconds of a lease -> of each dead worker: its id, how many messages, how many of them poison
even_if_full()
local report, at = {}, now()
record_heartbeat(at, tonumber(ARGV[1]))
if is_grace_period(at) then return report end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', at, 'LIMIT', 0, 16)) do
  local returned, poison = requeue_all_unacked(worker, 'worker ' .. worker .. ' died')
  redis.call('ZREM', WORKERS, worker)
  redis.call('DEL', worker_key(worker), report_key(worker), cancel_requests_key(worker))
  redis.call('HINCRBY', HEARTBEAT, 'dead_workers', 1)
  report[#report + 1] = worker
  report[#report + 1] = returned
  report[#report + 1] = poison
end
return report
