-- Sets the breaker of a kind, or deletes it and lets the kind go. ARGV: kind, breaker (JSON, see lib/breaker.lua; '' = none),
-- revision that is expected ('' = any, '0' = there is none)
-- -> its revision ('0' = there was none to delete), or '' when another is expected
even_if_full()
local kind, text, expected = unpack(ARGV)
local at, old = now(), redis.call('HGET', BREAKERS, kind)
local revision = string.format('%d', old and cjson.decode(old).revision or 0)
if expected ~= '' and expected ~= revision then return '' end
if text == '' then
  if old then drop_switch('breaker:' .. kind, at) end
  redis.call('HDEL', BREAKERS, kind)
  redis.call('DEL', outcomes_key(kind))
  return revision
end
revision = redis.call('INCR', prefix .. 'limits:revision')
redis.call('HSET', BREAKERS, kind, string.format('%s,"revision":%d}', text:sub(1, -2), revision)) -- its numbers as they are
return string.format('%d', revision)
