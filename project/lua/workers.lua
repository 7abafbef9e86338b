-- -> per live worker its id, when its lease ends, and its fields and values in turn
local answer = {}
local leases = redis.call('ZRANGEBYSCORE', WORKERS, now(), '+inf', 'WITHSCORES')
for i = 1, #leases, 2 do
  answer[#answer + 1] = { leases[i], leases[i + 1], unpack(redis.call('HGETALL', worker_key(leases[i]))) }
end
return answer
