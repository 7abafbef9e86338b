-- The jobs of workers whose lease has ended are given to others, unless everybody may be late after an outage.
-- ARGV: seconds of a lease -> per dead worker: its id, messages, of them poison
even_if_full()
local report, at = {}, now()
hear(at, tonumber(ARGV[1]))
if is_merciful(at) then return report end
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', at, 'LIMIT', 0, 16)) do
  local returned, poison = give_back_all(worker, 'worker ' .. worker .. ' died')
  redis.call('ZREM', WORKERS, worker)
  redis.call('DEL', worker_key(worker), cancelling_key(worker))
  redis.call('HINCRBY', PULSE, 'deaths', 1)
  report[#report + 1] = worker
  report[#report + 1] = returned
  report[#report + 1] = poison
end
return report
