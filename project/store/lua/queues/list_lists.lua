-- ARGV: queue -> the Redis lists that may have messages of it: the default lane's, then those of the other lanes
local queue, lists = ARGV[1], {}
local function add(lane)
  for _, list in ipairs(lists_of(queue, lane)) do lists[#lists + 1] = list end
end
add('')
for _, lane in ipairs(redis.call('ZRANGE', lanes_key(queue), 0, -1)) do if lane ~= '' then add(lane) end end
for _, lane in ipairs(redis.call('HKEYS', closed_key(queue))) do if lane ~= '' then add(lane) end end
return lists
