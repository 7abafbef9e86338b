-- Ask all limits whether one more mail may go. Each limit lets its rate of mails a second pass, evenly (GCRA without
-- bursts). Either all limits allow and count the mail, or none counts it.
-- ARGV: pairs of a name and its rate (mails a second)
-- Returns: { milliseconds to wait (0 = now), place of the slowest limit }
even_if_full()
local second, micro = clock()
local at, wait, slowest, marks = second * 1e6 + micro, 0, 0, {}
for i = 1, #ARGV, 2 do
  local key = prefix .. 'pace:' .. ARGV[i]
  local free_at = math.max(tonumber(redis.call('GET', key) or 0), at)
  if free_at - at > wait then wait, slowest = free_at - at, (i - 1) / 2 end
  marks[key] = free_at + 1e6 / tonumber(ARGV[i + 1])
end
if wait > 0 then return { math.ceil(wait / 1000), slowest } end
for key, free_at in pairs(marks) do
  redis.call('SET', key, string.format('%.0f', free_at), 'PX', math.ceil((free_at - at) / 1000) + 1000)
end
return { 0, 0 }
