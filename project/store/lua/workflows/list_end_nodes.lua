-- The nodes for which no other waits. ARGV: id, at most so many -> their names, or 0 when there are more
local graph, names = redis.call('HGETALL', workflow_key(ARGV[1]) .. ':graph'), {}
for i = 1, #graph, 2 do
  if graph[i + 1]:match('^%S+%s*$') then names[#names + 1] = graph[i] end
end
return #names > tonumber(ARGV[2]) and 0 or names
