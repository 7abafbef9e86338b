-- Sets the breakers of kinds. ARGV: kind and breaker (JSON, see lib/breaker.lua; '' = none) in turn -> 1
even_if_full()
local at = now()
for i = 1, #ARGV, 2 do
  local kind, breaker = ARGV[i], ARGV[i + 1]
  if breaker ~= '' then
    redis.call('HSET', BREAKERS, kind, breaker)
  elseif redis.call('HDEL', BREAKERS, kind) == 1 then
    drop_switch('breaker:' .. kind, at)
    redis.call('DEL', outcomes_key(kind))
  end
end
return 1
