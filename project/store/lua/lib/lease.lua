-- A token names an attempt: the id of its worker, # and the serial of the delivery it runs for.
local function worker_of(token) return token and token:match('^(.*)#') end

-- After a time in which no worker reached Redis, all are late. Until grace_until no lease counts as ended.
local function is_grace_period(at) return tonumber(redis.call('HGET', HEARTBEAT, 'grace_until') or 0) > tonumber(at) end

-- Notes that a worker has reached Redis. When none had for half a lease, all get as long again to renew their leases;
-- they try every quarter of a second.
local function record_heartbeat(at, lease_seconds)
  local last_at = tonumber(redis.call('HGET', HEARTBEAT, 'last_at') or 0)
  redis.call('HSET', HEARTBEAT, 'last_at', at)
  if at - last_at > lease_seconds / 2 then
    redis.call('HSET', HEARTBEAT, 'grace_until', string.format('%.6f', at + lease_seconds / 2))
  end
end

local function is_alive(worker)
  local ends = worker and redis.call('ZSCORE', WORKERS, worker)
  local at = now()
  return ends and (tonumber(ends) > tonumber(at) or is_grace_period(at))
end
