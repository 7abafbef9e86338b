-- Removes the switches that are over, and ends jobs that wait and that a switch cancels or fails: those that are ordered later
-- end when their turn comes. ARGV: how many jobs are looked at -> 1 when there is more to do, else 0
even_if_full()
local MAX_ENDED_SWITCHES = 100
local at, left = now(), tonumber(ARGV[1])

local function sweep_index(kind_queue, status, place, limits)
  local found = redis.call('ZRANGEBYSCORE', index_key(kind_queue, status), '(' .. place, '+inf', 'WITHSCORES', 'LIMIT', 0, left)
  for i = 1, #found, 2 do
    local job = load_job(found[i])
    left, place = left - 1, found[i + 1]
    if job and is_limited(job, limits[1]) then end_by_switch(job, limits, at) end
  end
  return place
end

-- place: kind@queue, \n, status, \n, when the last job that was looked at was made. -> the next place, nil at the end
local function sweep(switch, place)
  local reached, reached_status, since = place:match('^(.*)\n(.*)\n(.*)$')
  local names = redis.call('SMEMBERS', KIND_QUEUES)
  table.sort(names)
  for _, name in ipairs(names) do
    local kind, queue = split_kind_queue(name)
    local fits = (switch.kind or kind) == kind and (switch.queue or queue) == queue
    for _, status in ipairs(fits and { 'pending', 'retrying', 'waiting' } or {}) do
      local is_here = name == reached and status == reached_status
      local is_past = reached and (name < reached or name == reached and status < reached_status)
      if not is_past then
        local last = sweep_index(name, status, is_here and since or '-inf', { switch })
        if left <= 0 then return name .. '\n' .. status .. '\n' .. last end
      end
    end
  end
end

local over = redis.call('ZRANGEBYSCORE', SWITCHES, '-inf', at, 'LIMIT', 0, MAX_ENDED_SWITCHES)
for _, name in ipairs(over) do drop_switch(name, at) end
local sweeps = redis.call('HGETALL', SWEEPS)
for i = 1, #sweeps, 2 do
  if left <= 0 then return 1 end
  local switch = cjson.decode(redis.call('HGET', LIMITS, sweeps[i]))
  local place = sweep(switch, sweeps[i + 1])
  if place then
    redis.call('HSET', SWEEPS, sweeps[i], place)
    return 1
  end
  redis.call('HDEL', SWEEPS, sweeps[i])
end
return #over == MAX_ENDED_SWITCHES and 1 or 0
