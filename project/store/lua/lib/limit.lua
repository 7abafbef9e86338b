-- A limit, in JSON: name; which jobs it limits (kind, queue, lane, tag; none = all jobs; see lib/switch.lua for the others), each ('lane' = each lane by itself);
-- what it allows: concurrency (running jobs), interval (seconds between two starts) with burst (starts at once).
-- It counts at a gate: one for all its jobs, or one for each lane. The jobs that run have passed the gate, and free their
-- place there in the script that ends their attempt. A lane whose next job cannot pass is closed and waits at the gate.
local function lane_name(lane) return lane:match('^[^\6]*') end
local function gate_of(limit, lane) return limit.each and limit.name .. '\6' .. lane_name(lane) or limit.name end
local function limit_of(gate) return gate:match('^[^\6]*') end

local function is_limited(job, limit)
  local function fits(wanted, has) return not wanted or wanted == has end
  if not (fits(limit.kind, job.kind) and fits(limit.queue, job.queue) and fits(limit.lane, job.lane or '')) then return false end
  if is_over(limit) or not fits_call(job, limit) then return false end
  if not limit.tag then return true end
  for _, tag in ipairs(job.tags and cjson.decode(job.tags) or {}) do
    if tag == limit.tag then return true end
  end
  return false
end

-- The limits of a job.
local function limits_of(job)
  local found = {}
  local common = { 'all', 'kind:' .. job.kind, 'queue:' .. job.queue, 'lane:' .. (job.lane or '') }
  for _, tag in ipairs(job.tags and cjson.decode(job.tags) or {}) do common[#common + 1] = 'tag:' .. tag end
  if redis.call('EXISTS', HELD_HOSTS) == 1 then common[#common + 1] = host_of(job) end
  for _, text in ipairs(redis.call('HMGET', LIMITS_BY, unpack(common))) do
    for _, limit in ipairs(text and cjson.decode(text) or {}) do
      if is_limited(job, limit) then found[#found + 1] = limit end
    end
  end
  return found
end

-- Sets or removes (nil) a limit among those of jobs that have something in common, see limits_of.
local function change_common(field, name, change)
  local changed = {}
  for _, limit in ipairs(cjson.decode(redis.call('HGET', LIMITS_BY, field) or '[]')) do
    if limit.name ~= name then changed[#changed + 1] = limit end
  end
  changed[#changed + 1] = change
  if #changed == 0 then
    redis.call('HDEL', LIMITS_BY, field)
  else
    redis.call('HSET', LIMITS_BY, field, cjson.encode(changed))
  end
end

-- Whether a gate lets no job pass now; and when its bucket lets one pass, or its switch is over, if it is that.
local function is_full(limit, gate, at)
  if limit.action then
    local is_tried = limit.tries and not is_held_until(limit, at)
    local allowed = is_tried and 1 or 0
    return redis.call('SCARD', passed_key(gate)) >= allowed, not is_tried and limit.until_at or nil
  end
  if limit.concurrency and redis.call('SCARD', passed_key(gate)) >= limit.concurrency then return true end
  if not limit.interval then return false end
  local full_again = math.max(tonumber(redis.call('GET', bucket_key(gate)) or 0), tonumber(at))
  local next_at = full_again - (limit.burst - 1) * limit.interval
  return next_at - at > 1e-6, next_at
end

-- Counts a running job at the gates of a limit: on the record with a minus when its end opens no lane there.
local function join_gates(job, limit)
  local gates = {}
  local function join(gate, opens)
    if redis.call('SADD', passed_key(gate), job.id) == 1 then gates[#gates + 1] = (opens and '' or '-') .. gate end
  end
  join(gate_of(limit, job.lane or ''), limit.concurrency or limit.action)
  if limit.each then join(limit.name, false) end -- the sum over all lanes
  if #gates == 0 then return end
  job.gates = (job.gates and job.gates .. '\n' or '') .. table.concat(gates, '\n')
  redis.call('HSET', job.key, 'gates', job.gates)
end

-- Notes that a job has passed the gates of its limits.
local function pass_gates(job, limits, at) -- rarely
  redis.call('HDEL', job.key, 'held_by')
  for _, limit in ipairs(limits) do
    join_gates(job, limit)
    if limit.interval then
      local key = bucket_key(gate_of(limit, job.lane or ''))
      local full_again = math.max(tonumber(redis.call('GET', key) or 0), tonumber(at)) + limit.interval
      redis.call('SET', key, string.format('%.6f', full_again), 'PX', math.ceil((full_again - at) * 1000))
    end
  end
end

-- Opens the lane that has waited longest at a gate. -> whether there is one
local function open_next(gate)
  while true do
    local entry = redis.call('LPOP', waits_key(gate))
    if not entry then return false end
    local queue, lane = entry:match('^([^\6]*)\6(.*)$')
    if redis.call('HGET', closed_key(queue), lane) == gate then
      redis.call('HDEL', closed_key(queue), lane)
      open_lane(queue, lane)
      wake_worker(queue)
      return true
    end
  end
end

-- Frees the places of a job whose attempt ends.
local function leave_gates(job) -- rarely
  redis.call('HDEL', job.key, 'gates')
  for minus, gate in job.gates:gmatch('(%-?)([^\n]+)') do
    redis.call('SREM', passed_key(gate), job.id)
    if minus == '' then open_next(gate) end
  end
  job.gates = nil
end

-- Closes a lane until its gate lets a job pass. next_at: when the bucket of the gate does
local function close_lane(queue, lane, gate, at, next_at)
  redis.call('ZREM', lanes_key(queue), lane)
  if redis.call('SADD', LANED, queue) == 1 and lane ~= '' then redis.call('ZADD', lanes_key(queue), 0, '') end
  redis.call('HSET', closed_key(queue), lane, gate)
  redis.call('RPUSH', waits_key(gate), queue .. '\6' .. lane)
  redis.call('ZADD', LIMIT_WAITS, 'LT', string.format('%.6f', next_at or at + GATE_SECONDS), gate)
end

-- How many lanes a gate opens, and when it is looked at again.
local function free_places(limit, gate, at)
  local is_shut, next_at = is_full(limit, gate, at)
  local free, again = MAX_OPENED_LANES, at + GATE_SECONDS
  if limit.action then
    free = 1
    if next_at then again = next_at end
  elseif limit.concurrency then
    free = limit.concurrency - redis.call('SCARD', passed_key(gate))
  end
  if limit.interval and next_at then
    free = math.min(free, math.floor((at - next_at) / limit.interval + 1.000001))
    again = math.min(again, next_at > tonumber(at) and next_at or at + limit.interval)
  end
  return is_shut and 0 or free, again
end

-- Opens as many lanes as a gate lets pass jobs now, and says when it is looked at again.
local function look_at_gate(gate, at)
  if redis.call('EXISTS', waits_key(gate)) == 0 then return redis.call('ZREM', LIMIT_WAITS, gate) end
  local text = redis.call('HGET', LIMITS, limit_of(gate))
  local limit, free, again = text and cjson.decode(text), MAX_OPENED_LANES, at
  if limit and not is_over(limit) then free, again = free_places(limit, gate, at) end
  redis.call('ZADD', LIMIT_WAITS, string.format('%.6f', again), gate)
  for _ = 1, math.min(free, MAX_OPENED_LANES) do
    if not open_next(gate) then break end
  end
end

-- Opens lanes whose time has come. -> when the next is to be looked at, or nil
local function look_at_gates(at, count) -- rarely
  for _, gate in ipairs(redis.call('ZRANGEBYSCORE', LIMIT_WAITS, '-inf', at, 'LIMIT', 0, count)) do look_at_gate(gate, at) end
  return redis.call('ZRANGE', LIMIT_WAITS, 0, 0, 'WITHSCORES')[2]
end

-- Whether jobs of a lane that a limit holds back are in a lane beside it: later ones go there, too. One that was cut off
-- is no later one.
local function is_ahead(limit, job, list)
  if not is_partial(limit) or is_beside(lane_of(list)) or job.interruptions then return false end
  return redis.call('EXISTS', unpack(lists_of(queue_of(list), lane_of(list) .. '\6' .. limit.name))) > 0
end

-- Puts a message last in a lane beside its own, at whose end the gate of a limit stands; or first.
local function put_beside(job, list, message, limit, at_front, at, next_at)
  local queue, beside = queue_of(list), lane_name(lane_of(list)) .. '\6' .. limit.name
  redis.call('HSET', job.key, 'beside', beside) -- the guard looks there, too
  local held_list = in_lane(list:match('^[^\6]*\6?[^\6]*'), beside)
  if redis.call('HEXISTS', closed_key(queue), beside) == 0 and not redis.call('ZSCORE', lanes_key(queue), beside) then
    close_lane(queue, beside, gate_of(limit, job.lane or ''), at, next_at)
  end
  redis.call(at_front and 'RPUSH' or 'LPUSH', held_list, message)
  count_in_lane(held_list, 1)
end

-- Whether a job that a limit holds back leaves the lane that it is in, and others of that go on: not when the limit is for
-- the whole lane. A job beside its lane stays there; but switches are over some day, so that those change the lane.
local function leaves_lane(lane, limit)
  if not is_partial(limit) then return false end
  local own = lane:match('\6(.*)$')
  return not own or own ~= limit.name and (is_switch(own) or is_switch(limit.name))
end

-- Puts a message, which its worker has just taken from a list, where it waits for a gate: first in its lane, which is
-- closed; or last in a lane beside that one, when the limit is not for all jobs of the lane.
local function hold(job, list, message, limit, at, next_at)
  local lane = lane_of(list)
  redis.call('HSET', job.key, 'held_by', limit.name)
  if leaves_lane(lane, limit) then return put_beside(job, list, message, limit, job.interruptions, at, next_at) end
  redis.call('RPUSH', list, message)
  count_in_lane(list, 1)
  close_lane(queue_of(list), lane, gate_of(limit, job.lane or ''), at, next_at)
end

-- Asks the limits of a job whether the attempt of a token may begin; holds its message if one of them says no.
-- -> 'free' | 'limited' | 'busy' (it is not there to be held)
local function ask_limits(job, limits, token, at) -- rarely
  local worker, serial = token:match('^(.*)#(.*)$')
  local entry = worker and redis.call('HGET', unacked_key(worker), serial)
  local list, message = (entry or '\n'):match('^(.-)\n(.*)$')
  local refused, refused_until, free_gates = nil, nil, {}
  for _, limit in ipairs(limits) do
    local gate = gate_of(limit, job.lane or '')
    local is_shut, next_at = is_full(limit, gate, at)
    if not (refused or is_shut) and is_ahead(limit, job, list) then is_shut = true end
    if not is_shut then
      free_gates[#free_gates + 1] = gate
    elseif not refused then
      refused, refused_until = limit, next_at
    end
  end
  if not refused then return 'free' end
  if not entry then return 'busy' end
  redis.call('HDEL', unacked_key(worker), serial)
  hold(job, list, message, refused, at, refused_until)
  for _, gate in ipairs(free_gates) do open_next(gate) end -- this job does not take the place there, so that the next may
  return 'limited'
end
