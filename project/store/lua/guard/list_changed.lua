-- The jobs whose record has changed, or is gone. ARGV: of each its id, and when its record had changed last -> ids
local answer = {}
for i = 1, #ARGV, 2 do
  if redis.call('HGET', job_key(ARGV[i]), 'updated_at') ~= ARGV[i + 1] then answer[#answer + 1] = ARGV[i] end
end
return answer
