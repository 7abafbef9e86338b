-- The breakers, and where they stand. ARGV: kind ('' = all), how many are listed at most
-- -> of each its kind, its JSON, 'closed' | 'open' | 'trying', until when it holds the kind ('' = it does not), how many
-- attempts it counts, how many of these failed
local wanted, most = ARGV[1], tonumber(ARGV[2])
local at, answer, breakers = now(), {}, redis.call('HGETALL', BREAKERS)

local function describe(kind, text)
  local switch = redis.call('HGET', LIMITS, 'breaker:' .. kind)
  local until_at = switch and cjson.decode(switch).until_at
  local state = not switch and 'closed' or until_at > tonumber(at) and 'open' or 'trying'
  local outcomes, failures = redis.call('LRANGE', outcomes_key(kind), 0, -1), 0
  for _, outcome in ipairs(outcomes) do failures = failures + outcome:sub(1, 1) end
  return { kind, text, state, until_at and string.format('%.6f', until_at) or '', #outcomes, failures }
end

for i = 1, #breakers, 2 do
  if (wanted == '' or wanted == breakers[i]) and #answer < most then
    answer[#answer + 1] = describe(breakers[i], breakers[i + 1])
  end
end
return answer
