-- Sets a limit, or deletes one. It holds for the next attempt that begins, also of jobs that wait already; jobs that run
-- count. ARGV: name, limit (JSON, see lib/limit.lua; '' = none), what its jobs have in common (see limits_of), weight (of
-- the lane that it names; '' = none), revision that is expected ('' = any, '0' = there is no such limit)
-- -> its revision ('0' = there was none to delete), or '' when another is expected
even_if_full()
local name, text, common, weight, expected = unpack(ARGV)
local at, old = now(), redis.call('HGET', LIMITS, name)
old = old and cjson.decode(old)
if expected ~= '' and expected ~= string.format('%d', old and old.revision or 0) then return '' end

local function leave_own_gates(job)
  local kept = {}
  for minus, gate in (job.gates or ''):gmatch('(%-?)([^\n]+)') do
    if limit_of(gate) == name then
      redis.call('SREM', passed_key(gate), job.id)
    else
      kept[#kept + 1] = minus .. gate
    end
  end
  job.gates = #kept > 0 and table.concat(kept, '\n') or nil
  redis.call('HDEL', job.key, 'gates')
  if job.gates then redis.call('HSET', job.key, 'gates', job.gates) end
end

-- A gate counts the jobs that run now, those that began before the limit was there or was changed, too.
local function count_running(limit)
  for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
    for _, id in ipairs(redis.call('ZRANGE', index_key(kind_queue, 'running'), 0, -1)) do
      local job = load_job(id)
      if job then leave_own_gates(job) end
      if job and limit and is_limited(job, limit) then join_gates(job, limit) end
    end
  end
end

if old then
  change_common(old.common, name, nil)
  if old.weight then redis.call('HDEL', LANE_WEIGHTS, old.lane) end
end
local limit = text ~= '' and cjson.decode(text)
if limit then
  limit.revision, limit.common = redis.call('INCR', prefix .. 'limits:revision'), common
  redis.call('HSET', LIMITS, name, cjson.encode(limit))
  change_common(common, name, limit)
  if limit.weight then redis.call('HSET', LANE_WEIGHTS, limit.lane, limit.weight) end
  if limit.action then set_switch(limit) end
  if limit.action and limit.action ~= 'hold' then redis.call('HSET', SWEEPS, name, '') end
elseif is_switch(name) then
  drop_switch(name, at)
else
  redis.call('HDEL', LIMITS, name)
end
count_running(limit)
for _, gate in ipairs(redis.call('ZRANGE', LIMIT_WAITS, 0, -1)) do
  if limit_of(gate) == name then redis.call('ZADD', LIMIT_WAITS, at, gate) end
end
look_at_gates(at, 4)
return string.format('%d', limit and limit.revision or old and old.revision or 0)
