-- What relays have seen in their outboxes -> outbox and state (JSON) in turn; the time
local answer = redis.call('HGETALL', OUTBOXES)
answer[#answer + 1] = now()
return answer
