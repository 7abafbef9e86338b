-- Admits orders of so many jobs, all or none, and counts them. ARGV: who orders, its tenant ('' = none), how many jobs, most
-- that wait ('' = no bound), most in a day ('' = no bound)
-- -> '' (admitted) | 'pending' | 'daily', how many there are already, seconds until the day ends
even_if_full()
local DAY = 86400
local holder, tenant, count, most_pending, most_daily = unpack(ARGV)
local second = clock()
local key = prefix .. 'ordered:' .. math.floor(second / DAY) .. ':' .. holder
local left = DAY - second % DAY

local function count_waiting_jobs()
  if tenant == '' then return redis.call('SCARD', waiting_key(holder)) end -- see note
  local waiting = 0
  for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
    for _, status in ipairs({ 'pending', 'retrying' }) do
      waiting = waiting + redis.call('ZCARD', tenant_index_key(tenant, kind_queue, status))
    end
  end
  return waiting
end

if most_pending ~= '' then
  local waiting = count_waiting_jobs()
  if waiting + count > tonumber(most_pending) then return { 'pending', waiting, left } end
end
if most_daily ~= '' then
  local ordered = tonumber(redis.call('GET', key) or 0)
  if ordered + count > tonumber(most_daily) then return { 'daily', ordered, left } end
  redis.call('INCRBY', key, count)
  redis.call('EXPIRE', key, left + 1)
end
return { '', 0, left }
