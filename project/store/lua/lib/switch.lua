-- A switch is a limit that lets no job pass: action (hold | cancel | fail), and perhaps until_at (when it is over); which
-- jobs: as other limits, and field (of the arguments) with equals or prefix, or host (that the argument url names) with
-- kinds. Its name has a colon, that of other limits has none. A breaker is a switch that tries: after until_at one job runs
-- at a time, and how that ends says whether the switch is over.
local function is_switch(name) return name:find(':', 1, true) ~= nil end
local function is_held_until(limit, at) return limit.until_at and limit.until_at > tonumber(at) end
local function is_over(limit) return limit.until_at and not limit.tries and not is_held_until(limit, now()) end

-- The named arguments of the call of a job, once read; empty when they are not readable.
local function arguments_of(job)
  if not job.arguments then
    local is_json, call = pcall(cjson.decode, redis.call('HGET', job.key, 'payload') or '')
    local named = is_json and type(call) == 'table' and call[2]
    job.arguments = type(named) == 'table' and named or {}
  end
  return job.arguments
end

-- The value of an argument, or of a member of one: order.customer
local function value_of(job, path)
  local value = arguments_of(job)
  for name in path:gmatch('[^.]+') do
    if type(value) ~= 'table' then return nil end
    value = value[name]
  end
  return value
end

-- What the jobs have in common that call a host.
local function host_of(job)
  local url = value_of(job, 'url')
  local authority = type(url) == 'string' and (url:match('^%a+://(%[[^%]]*%])') or url:match('^%a+://([^/?:]+)'))
  return authority and 'host:' .. authority:lower() or nil
end

-- Whether the call of a job is one that a limit is for.
local function fits_call(job, limit)
  if limit.kinds then
    local is_one = false
    for _, kind in ipairs(limit.kinds) do is_one = is_one or kind == job.kind end
    if not is_one then return false end
  end
  if not limit.field then return true end
  local value = value_of(job, limit.field)
  if limit.prefix then return type(value) == 'string' and value:sub(1, #limit.prefix) == limit.prefix end
  return value == limit.equals
end

-- Whether a limit is for some jobs of a lane and not for others.
local function is_partial(limit) return limit.kind or limit.tag or limit.field or limit.kinds end
