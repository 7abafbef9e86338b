-- An attempt's token is its worker's id, # and the serial of the delivery it runs for. Its worker, and whether that
-- one's lease holds. After a time in which Redis heard of no worker at all,
-- everybody is late: until `mercy` is over no lease counts as ended.
local function worker_of(token) return token and token:match('^(.*)#') end
local function is_merciful(at) return tonumber(redis.call('HGET', PULSE, 'mercy') or 0) > tonumber(at) end
-- A worker calls. When none has for half the time of a lease, Redis was out of reach of them all, and all get as long
-- again to renew theirs; they try every quarter of a second.
local function hear(at, lease)
  local heard = tonumber(redis.call('HGET', PULSE, 'heard') or 0)
  redis.call('HSET', PULSE, 'heard', at)
  if at - heard > lease / 2 then redis.call('HSET', PULSE, 'mercy', string.format('%.6f', at + lease / 2)) end
end

local function lives(worker)
  local ends = worker and redis.call('ZSCORE', WORKERS, worker)
  local at = now()
  return ends and (tonumber(ends) > tonumber(at) or is_merciful(at))
end
