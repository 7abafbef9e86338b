-- The jobs of a part of a list. ARGV: list, first place, last place (as for LRANGE)
-- -> how many messages there are in that part, then ids: those of all jobs, perhaps others
local messages, answer = redis.call('LRANGE', ARGV[1], ARGV[2], ARGV[3]), {}
for _, message in ipairs(messages) do add_ids(answer, message) end
return { #messages, unpack(answer) }
