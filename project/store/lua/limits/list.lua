-- The limits, or the switches, and what they hold back. ARGV: how many lanes of each are looked at, a name ('' = all), limit |
-- switch, how many are listed at most
-- -> of each limit its JSON, how many jobs run that it counts, how many lanes wait, how many messages those have
local max_lanes, wanted, lists_switches, most = tonumber(ARGV[1]), ARGV[2], ARGV[3] == 'switch', tonumber(ARGV[4])
local waits = {}
for _, gate in ipairs(redis.call('ZRANGE', LIMIT_WAITS, 0, -1)) do
  local name = limit_of(gate)
  local about = waits[name] or { lanes = 0, messages = 0, left = max_lanes }
  about.lanes = about.lanes + redis.call('LLEN', waits_key(gate))
  for _, entry in ipairs(about.left > 0 and redis.call('LRANGE', waits_key(gate), 0, about.left - 1) or {}) do
    local queue, lane = entry:match('^([^\6]*)\6(.*)$')
    for _, list in ipairs(lists_of(queue, lane)) do about.messages = about.messages + redis.call('LLEN', list) end
    about.left = about.left - 1
  end
  waits[name] = about
end

local answer, limits = {}, redis.call('HGETALL', LIMITS)
for i = 1, #limits, 2 do
  local name = limits[i]
  local about = waits[name] or { lanes = 0, messages = 0 }
  if (wanted == '' or wanted == name) and is_switch(name) == lists_switches and #answer < most then
    answer[#answer + 1] = { limits[i + 1], redis.call('SCARD', passed_key(name)), about.lanes, about.messages }
  end
end
return answer
