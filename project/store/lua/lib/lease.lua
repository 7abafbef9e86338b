-- A token names an attempt: the id of its worker, # and the serial of the delivery it runs for.
local function worker_of(token) return token and token:match('^(.*)#') end

-- After a time in which no worker reached Redis, all are late. Until grace_until no lease counts as ended. It is the same
-- while none has reached Redis since: it was away, or its clock has been set forward.
local function is_grace_period(at)
  local grace_until, last_at, seconds = unpack(redis.call('HMGET', HEARTBEAT, 'grace_until', 'last_at', 'lease_seconds'))
  if tonumber(grace_until or 0) > tonumber(at) then return true end
  return last_at and seconds and at - last_at > seconds / 2
end

-- The clock of Redis has been set back: leases end when they would have, and not so much later.
local function shorten_leases(at, lease_seconds)
  local latest = string.format('%.6f', at + lease_seconds)
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '(' .. latest, '+inf')) do
    redis.call('ZADD', WORKERS, latest, worker)
  end
  redis.call('HINCRBY', HEARTBEAT, 'clock_steps', 1)
end

-- Notes that a worker has reached Redis. When none had for half a lease, all get as long again to renew their leases;
-- they try every quarter of a second.
local function record_heartbeat(at, lease_seconds)
  local last_at = tonumber(redis.call('HGET', HEARTBEAT, 'last_at') or 0)
  redis.call('HSET', HEARTBEAT, 'last_at', at, 'lease_seconds', lease_seconds)
  local is_set_back = at - last_at < -MAX_CLOCK_ERROR
  if is_set_back then shorten_leases(at, lease_seconds) end
  if is_set_back or at - last_at > lease_seconds / 2 then
    redis.call('HSET', HEARTBEAT, 'grace_until', string.format('%.6f', at + lease_seconds / 2))
  end
end

local function is_alive(worker)
  local ends = worker and redis.call('ZSCORE', WORKERS, worker)
  local at = now()
  return ends and (tonumber(ends) > tonumber(at) or is_grace_period(at))
end
