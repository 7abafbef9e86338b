-- The jobs of the messages that a worker holds. ARGV: worker -> ids: those of all jobs, perhaps others
local answer = {}
for _, entry in ipairs(redis.call('HVALS', unacked_key(ARGV[1]))) do
  for id in entry:gmatch('"id"%s*:%s*"([^"]+)"') do answer[#answer + 1] = id end
end
return answer
