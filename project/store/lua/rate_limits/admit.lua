-- Admits one more request, or not: at most so many in a window, spread evenly (GCRA). Only one time is kept, at which all
-- requests are forgotten. ARGV: name, limit, window in seconds
-- -> 1 | 0, how many more are admitted now, seconds until all are, seconds until one is
even_if_full()
local key, limit, window = prefix .. 'rate:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local interval, at = window / limit, tonumber(now())
local free_at = math.max(tonumber(redis.call('GET', key) or 0), at) + interval
local wait = free_at - window - at
if wait > 0 then
  return { 0, 0, string.format('%.3f', free_at - interval - at), string.format('%.3f', wait) }
end
redis.call('SET', key, string.format('%.6f', free_at), 'PX', math.ceil((free_at - at) * 1000))
return { 1, math.floor(-wait / interval + 0.000001), string.format('%.3f', free_at - at), '0' }
