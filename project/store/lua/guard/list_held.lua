-- The jobs of the messages that a worker holds. ARGV: worker -> ids: those of all jobs, perhaps others
local answer = {}
for _, entry in ipairs(redis.call('HVALS', unacked_key(ARGV[1]))) do add_ids(answer, entry) end
return answer
