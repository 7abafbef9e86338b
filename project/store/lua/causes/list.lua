-- Causes of failures, those that came last first. ARGV: how many at most, or 0; a fingerprint ('' = any)
-- -> of each its fingerprint, when it came last, its fields and values in turn; the time
local most, wanted = tonumber(ARGV[1]), ARGV[2]
local found, answer = {}, { now() }
if wanted ~= '' then
  local last = redis.call('ZSCORE', CAUSES, wanted)
  if last then found = { wanted, last } end
else
  found = redis.call('ZREVRANGE', CAUSES, 0, most - 1, 'WITHSCORES')
end
for i = 1, #found, 2 do answer[#answer + 1] = { found[i], found[i + 1], redis.call('HGETALL', cause_key(found[i])) } end
return answer
