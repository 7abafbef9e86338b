-- May one more mail go now? Each limit lets so many a second pass, evenly (GCRA, no burst). Either all let it pass, or
-- none counts it. ARGV: pairs of a name and its rate -> { milliseconds after which to ask again (0 = now), which of the
-- limits is the one to wait for }
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
