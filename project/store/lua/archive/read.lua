-- Fields of some records. ARGV: how many fields, the fields, job ids -> of each id the values of its fields, then the files with
-- whole logs of its attempts (JSON)
local count = tonumber(ARGV[1])
local fields, answer = { unpack(ARGV, 2, count + 1) }, {}
for i = count + 2, #ARGV do
  answer[#answer + 1] = redis.call('HMGET', job_key(ARGV[i]), unpack(fields))
  answer[#answer + 1] = redis.call('LRANGE', log_files_key(ARGV[i]), 0, -1)
end
return answer
